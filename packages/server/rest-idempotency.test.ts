/** Idempotency-Key over HTTP: an attempt is made once, whatever happens to its answer. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Clock } from "@atoll/core";
import { AtollError, limits, systemClock } from "@atoll/core";
import type { Store } from "@atoll/store";
import { openSqliteStore } from "@atoll/store";
import { RestRegion } from "./rest-region.fixture.ts";

let directory = "";
let store: Store;
let region: RestRegion;
let later = 0;
const clock: Clock = { ...systemClock, nowMs: () => systemClock.nowMs() + later };

beforeEach(async () => {
  later = 0;
  directory = mkdtempSync(join(tmpdir(), "atoll-idempotency-"));
  store = openSqliteStore({ path: join(directory, "atoll.db") });
  region = await new RestRegion({ store, clock }).open();
});
afterEach(async () => {
  await region.close();
  store.close();
  rmSync(directory, { recursive: true, force: true });
});

const key = (name: string): Record<string, string> => ({ "idempotency-key": `"${name}"` });
const follow = [{ op: "increment", path: "/stats/followers", by: 1 }];

test("a repetition gets the same answer, and nothing is done twice", async () => {
  await region.put("ann", { displayName: "Ann" });
  const first = await region.operations("ann", follow, key("one"));
  expect(first.headers.get("idempotent-replayed")).toBeNull();
  await region.operations("ann", follow, key("two"));
  const again = await region.operations("ann", follow, key("one"));
  expect(again.headers.get("idempotent-replayed")).toBe("true");
  expect([again.status, again.text]).toEqual([first.status, first.text]); // of then, not of now
  expect(again.headers.get("etag")).toBe(first.headers.get("etag"));
  expect((await region.get("ann")).json).toMatchObject({ stats: { followers: 2 } });
});

test("repetitions that come together are one attempt", async () => {
  await region.put("ann", {});
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => region.operations("ann", follow, key("one"))),
  );
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  expect((await region.get("ann")).json).toEqual({ stats: { followers: 1 } });
});

test("a profile whose id the server chose is made once, also by an unquoted key", async () => {
  const asked = { body: { displayName: "Ann" }, headers: { "idempotency-key": "make-ann" } };
  const first = await region.call("POST", "/v1/profiles", asked);
  const again = await region.call("POST", "/v1/profiles", asked);
  expect([first.status, again.status]).toEqual([201, 201]);
  expect(again.headers.get("location")).toBe(first.headers.get("location"));
});

test("a delete is told again as it was", async () => {
  await region.put("ann", {});
  const asked = { headers: key("gone") };
  await region.call("DELETE", "/v1/profiles/ann", asked);
  await region.put("ann", { displayName: "new" });
  const again = await region.call("DELETE", "/v1/profiles/ann", asked);
  expect([again.status, again.headers.get("idempotent-replayed")]).toEqual([204, "true"]);
  expect((await region.get("ann")).status).toBe(200);
});

test("a key that another request was made with is refused", async () => {
  await region.put("ann", {});
  await region.put("bob", {});
  await region.operations("ann", follow, key("one"));
  const others = [
    await region.operations("bob", follow, key("one")),
    await region.operations("ann", [...follow, ...follow], key("one")),
    await region.operations("ann", follow, { ...key("one"), "if-match": "*" }),
    await region.put("ann", {}, key("one")),
  ];
  for (const { status, json } of others) {
    expect(status).toBe(422);
    expect(json).toMatchObject({ type: "https://atoll.dev/problems/idempotency-mismatch" });
  }
  for (const malformed of ["", '""', '"open', 'two words"', "x".repeat(256)]) {
    const answer = await region.operations("ann", follow, { "idempotency-key": malformed });
    expect(answer.status).toBe(400);
  }
  expect((await region.get("ann")).json).toEqual({ stats: { followers: 1 } });
});

test("what was refused may be tried again with the same key", async () => {
  expect((await region.operations("ann", follow, key("one"))).status).toBe(404);
  await region.put("ann", {});
  const answer = await region.operations("ann", follow, key("one"));
  expect([answer.status, answer.headers.get("idempotent-replayed")]).toEqual([200, null]);
});

test("it is remembered across a restart, and for a day", async () => {
  await region.put("ann", {});
  await region.operations("ann", follow, key("one"));
  await region.close();
  region = await new RestRegion({ store, clock, seed: "again" }).open();
  const again = await region.operations("ann", follow, key("one"));
  expect(again.headers.get("idempotent-replayed")).toBe("true");
  later = limits.ANSWER_KEPT_MS + 1_000;
  await region.operations("ann", follow, key("one"));
  expect((await region.get("ann")).json).toEqual({ stats: { followers: 2 } });
  expect(store.countAnswers()).toBe(1);
});

test("is kept with the write or not at all", async () => {
  await region.put("ann", {});
  vi.spyOn(store, "commitSoon").mockImplementationOnce(() => {
    throw new AtollError("storage-full", "the disk is full");
  });
  expect((await region.operations("ann", follow, key("one"))).status).toBe(507);
  expect(store.countAnswers()).toBe(0);
  const answer = await region.operations("ann", follow, key("one"));
  expect([answer.status, answer.json]).toEqual([200, { stats: { followers: 1 } }]);
});
