/** What the schema allows, over HTTP: refusals of writes, and what writes from elsewhere leave. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { socialProfileSchema } from "@atoll/profile";
import { RestRegion } from "./rest-region.fixture.ts";

const region = new RestRegion();

beforeAll(() => region.open());
afterAll(() => region.close());

describe("GET /v1/schema", () => {
  test("is the schema, and says whether it is still the same", async () => {
    const answer = await region.call("GET", "/v1/schema");
    expect(answer.headers.get("content-type")).toBe("application/schema+json");
    expect(answer.json).toEqual(socialProfileSchema.source);
    const etag = answer.headers.get("etag") ?? "";
    const again = await region.call("GET", "/v1/schema", { headers: { "if-none-match": etag } });
    expect(again.status).toBe(304);
  });
});

describe("a write whose result the schema forbids", () => {
  test("is refused with every fault, whatever it is written by, and leaves no trace", async () => {
    const before = await region.put("ann", { displayName: "Ann", handle: "ann" });
    const wrong = { displayName: 5, contact: { email: "nobody" } };
    const put = await region.put("ann", wrong);
    expect(put.status).toBe(422);
    expect(put.json).toMatchObject({
      type: "https://atoll.dev/problems/validation-failed",
      errors: [
        { pointer: "/displayName", code: "type", detail: "must be string" },
        { pointer: "/contact/email", code: "format" },
      ],
    });
    for (const refused of [
      await region.mergePatch("ann", { handle: "a b" }),
      await region.jsonPatch("ann", [{ op: "add", path: "/handle", value: "a b" }]),
      await region.operations("ann", [{ op: "set", path: "/handle", value: "a b" }]),
      await region.operations("ann", [{ op: "setAdd", path: "/interests", values: [7] }]),
      await region.mergePatch(
        "ann",
        { handle: "a b" },
        { "base-version": before.headers.get("document-heads") ?? "" },
      ),
    ]) {
      expect(refused.status).toBe(422);
    }
    const after = await region.get("ann");
    expect(after.text).toBe(before.text);
    expect(after.headers.get("etag")).toBe(before.headers.get("etag"));
    const history = await region.call("GET", "/v1/profiles/ann/history");
    expect((history.json as { items: unknown[] }).items).toHaveLength(1);
    const next = await region.mergePatch("ann", { handle: "anna" }); // the document is as before
    expect([next.status, next.json]).toEqual([200, { displayName: "Ann", handle: "anna" }]);
  });

  test("does not create either", async () => {
    expect((await region.put("nobody", { handle: "" })).status).toBe(422);
    expect((await region.get("nobody")).status).toBe(404);
  });
});
