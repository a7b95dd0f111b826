/** `Prefer: durability`: what is asked of the service, and what the answer says of other regions. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { limits } from "@atoll/core";
import { FAKE_TOKEN } from "./fake-service.ts";
import { Loopback } from "./loopback.ts";
import type { Receipt } from "./profile-service.ts";

const ANN = "/v1/profiles/ann";
const MET: Receipt = {
  met: true,
  reached: "all",
  durableIn: ["eu", "us"],
  missingIn: [],
};
const SHORT: Receipt = {
  met: false,
  reached: "local",
  durableIn: ["eu"],
  missingIn: ["us"],
};
let region: Loopback;

beforeEach(async () => {
  region = new Loopback();
  await region.open();
});
afterEach(() => region.close());

const WRITES = [
  ["PUT", ANN, 201],
  ["PATCH", `${ANN}?upsert=true`, 201],
  ["POST", "/v1/profiles", 201],
  ["DELETE", ANN, 204],
] as const;

describe.each(WRITES)("%s %s", (method, path, status) => {
  test("passes on what is asked, with its default time", async () => {
    await region.write(method, path, {}, { Prefer: "durability=majority" });
    const { receipt } = region.service.calls.at(-1)?.options ?? {};
    expect(receipt).toEqual({ durability: "majority", waitMs: limits.RECEIPT_WAIT_MS_DEFAULT });
    await region.write(method, path, {}, { Prefer: "durability=2, wait=7" });
    const { options } = region.service.calls.at(-1) ?? {};
    expect(options?.receipt).toEqual({ durability: "2", waitMs: 7000 });
  });

  test("asks nothing, and says nothing, without the preference", async () => {
    region.service.receipt = MET;
    const reply = await region.write(method, path, {});
    expect(region.service.calls.at(-1)?.options).not.toHaveProperty("receipt");
    expect(reply.headers).not.toHaveProperty("durable-in");
  });

  test("says where it is durable when that was reached", async () => {
    region.service.receipt = MET;
    const reply = await region.write(method, path, {}, { Prefer: "durability=all, wait=2" });
    expect(reply.status).toBe(status);
    expect(reply.headers["durable-in"]).toBe("eu, us");
    expect(reply.headers["preference-applied"]).toBe("wait=2, durability=all");
  });

  test("succeeds with the truth when it was not, unless that is to be an error", async () => {
    region.service.receipt = SHORT;
    for (const handling of ["", ", handling=lenient"]) {
      const headers = { Prefer: `durability=all${handling}` };
      const reply = await region.write(method, path, {}, headers);
      expect([200, 201, 204]).toContain(reply.status);
      expect(reply.headers["durable-in"]).toBe("eu");
      expect(reply.headers["preference-applied"]).toMatch(/durability=local$/);
      expect(reply.headers["session-token"]).toBe(FAKE_TOKEN);
    }
  });

  test("strictly is a 504 that says what was written and where it is", async () => {
    region.service.receipt = SHORT;
    const headers = { Prefer: "durability=all, handling=strict, return=minimal" };
    const reply = await region.write(method, path, {}, headers);
    expect(reply.status).toBe(504);
    expect(reply.json()).toMatchObject({
      type: "https://atoll.dev/problems/durability-not-met",
      detail:
        "the write is applied and durable in eu, not confirmed by us: " +
        "durability=all was not reached in time",
      durableIn: ["eu"],
      missingIn: ["us"],
    });
    expect(reply.headers).toMatchObject({ "durable-in": "eu", "session-token": FAKE_TOKEN });
    expect(reply.headers["preference-applied"]).toContain("durability=local");
    expect(reply.headers).not.toHaveProperty("retry-after");
    if (method === "DELETE") return;
    expect(reply.headers.location).toMatch(/^\/v1\/profiles\//);
    const read = await region.call("GET", reply.headers.location ?? "");
    expect(read.headers.etag).toBe(reply.headers.etag);
  });

  test("strictly is what it always was when it was reached", async () => {
    region.service.receipt = MET;
    const headers = { Prefer: "durability=all, handling=strict" };
    expect((await region.write(method, path, {}, headers)).status).toBe(status);
  });
});

test("nothing is said of a write that recorded nothing, nor of a read", async () => {
  const asked = { Prefer: "durability=all, wait=1" };
  const replies = [
    await region.call("DELETE", ANN, { headers: asked }), // the service gives no receipt
    await region.write("PATCH", ANN, {}, asked), // 404
    await region.call("GET", ANN, { headers: asked }),
  ];
  for (const { headers } of replies) {
    expect(headers["preference-applied"]).toBe("wait=1");
    expect(headers).not.toHaveProperty("durable-in");
  }
});
