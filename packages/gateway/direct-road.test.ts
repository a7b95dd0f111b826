import { afterEach, beforeEach, expect, test } from "vitest";
import { ManualClock, SeededRandom } from "@atoll/core";
import { ApiKeys, makeApiKey } from "./api-keys.ts";
import { Credentials } from "./credentials.ts";
import { Gatekeeper } from "./gatekeeper.ts";
import { Loopback } from "./loopback.ts";
import { RequestIds } from "./request-ids.ts";

let region: Loopback;
beforeEach(() => {
  region = new Loopback();
});
afterEach(() => region.close());

const MERGE = { "content-type": "application/merge-patch+json" };
const ANN = "/v1/profiles/ann";
/** The same profile, spelt so that only the router understands. */
const ANN_THE_LONG_WAY = "/v1/profiles/%61nn";

test("the direct road and the router answer the same", async () => {
  await region.open();
  await region.call("PUT", ANN, {
    body: `{"name":"Ann"}`,
    headers: { "content-type": "application/json" },
  });
  const asked = [
    ["GET", {}],
    ["GET", { headers: { accept: "application/vnd.atoll.profile+json" } }],
    ["GET", { headers: { "if-none-match": "*" } }],
    ["GET", { headers: { "if-match": `"another"` } }],
    ["PATCH", { body: `{"name":"Ann"}`, headers: MERGE }],
    ["PATCH", { body: `{"name":`, headers: MERGE }],
    ["POST", {}],
    ["DELETE", { headers: { "if-match": `"another"` } }],
  ] as const;
  for (const [method, options] of asked) {
    const direct = await region.call(method, ANN, options);
    const routed = await region.call(method, ANN_THE_LONG_WAY, options);
    expect(routed.status, method).toBe(direct.status);
    const own =
      method === "PATCH" // each is a write of its own
        ? /^(request-id|server-timing|date|content-length|etag|document-heads|session-token)$/
        : /^(request-id|server-timing|date|content-length)$/;
    const headers = (of: typeof direct) =>
      Object.entries(of.headers).filter(([name]) => !own.test(name));
    expect(headers(routed)).toEqual(headers(direct));
    const text = (of: typeof direct) =>
      of.text.replace(/"requestId":"[^"]*"/, "").replace(/%61nn/, "ann");
    expect(text(routed)).toBe(text(direct));
  }
});

test("what an id cannot be is refused on the direct road as anywhere", async () => {
  await region.open();
  for (const id of [".ann", "-", "~"]) {
    expect((await region.call("GET", `/v1/profiles/${id}`)).status).toBe(400);
  }
});

test("nobody passes the gate by on the direct road", async () => {
  const clock = new ManualClock();
  const { key, hash } = makeApiKey("reader", new SeededRandom("keys"));
  const keys = new ApiKeys([{ id: "reader", hash, roles: ["reader"] }]);
  const gate = new Gatekeeper({
    clock,
    credentials: new Credentials(keys, undefined),
    rates: { reads: { perSecond: 1, burst: 1 } },
  });
  await region.open("public", { gate });
  const headers = { authorization: `Bearer ${key}` };
  expect((await region.call("GET", ANN)).status).toBe(401);
  expect((await region.call("GET", ANN, { headers })).status).toBe(404);
  expect((await region.call("GET", ANN, { headers })).status).toBe(429);
  const patch = { body: "{}", headers: { ...headers, ...MERGE } };
  expect((await region.call("PATCH", ANN, patch)).status).toBe(403);
});

test("requests get names that are unique, ordered and UUIDv7", () => {
  const clock = new ManualClock();
  const ids = new RequestIds(clock, new SeededRandom("ids"));
  const given = Array.from({ length: 10_000 }, (_, n) => {
    if (n === 5_000) clock.advance(1);
    return ids.next();
  });
  expect(new Set(given).size).toBe(given.length);
  const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  expect(given.every((id) => uuid.test(id))).toBe(true);
  expect((given[9_999] ?? "") > (given[0] ?? "")).toBe(true);
});
