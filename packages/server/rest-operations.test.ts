/** Native operations, Base-Version and the counter guard, over HTTP against a real region. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RestRegion } from "./rest-region.fixture.ts";

const region = new RestRegion();
let count = 0;
let id = "";

beforeAll(() => region.open());
afterAll(() => region.close());

async function begin(body: object): Promise<string> {
  id = `person-${count++}`;
  const answer = await region.put(id, body);
  expect([answer.text, answer.status]).toEqual([answer.text, 201]);
  return answer.headers.get("document-heads") ?? "";
}

async function apply(operations: unknown): Promise<unknown> {
  const answer = await region.operations(id, operations);
  expect([answer.text, answer.status]).toEqual([answer.text, 200]);
  return answer.json;
}

describe("native operations", () => {
  test("set makes the maps on its way; unset of what is not there is nothing", async () => {
    await begin({ displayName: "Ann" });
    expect(await apply([{ op: "set", path: "/a/b/c", value: [1] }])).toEqual({
      displayName: "Ann",
      a: { b: { c: [1] } },
    });
    const before = await region.get(id);
    const after = await region.operations(id, [
      { op: "unset", path: "/nothing/there" },
      { op: "unset", path: "/none" },
    ]);
    expect(after.headers.get("etag")).toBe(before.headers.get("etag"));
    expect(await apply([{ op: "unset", path: "/a/b/c" }])).toEqual({
      displayName: "Ann",
      a: { b: {} },
    });
  });

  test("increment counts, also what nobody has counted yet, and is refused elsewhere", async () => {
    await begin({});
    const path = "/stats/followers";
    expect(
      await apply([
        { op: "increment", path, by: 5 },
        { op: "increment", path, by: -2 },
      ]),
    ).toEqual({ stats: { followers: 3 } });
    const refused = await region.operations(id, [
      { op: "increment", path, by: 1 },
      { op: "increment", path: "/displayName", by: 1 },
    ]);
    expect(refused.status).toBe(422);
    expect(refused.json).toMatchObject({ errors: [{ pointer: "/1" }] });
    expect((await region.get(id)).json).toEqual({ stats: { followers: 3 } }); // all or nothing
  });

  test("a counter that is assigned another number is refused; its present one is no change", async () => {
    await begin({});
    await apply([{ op: "increment", path: "/stats/posts", by: 2 }]);
    const { headers } = await region.get(id);
    const same = await region.mergePatch(id, { stats: { posts: 2 } });
    expect([same.status, same.headers.get("etag")]).toEqual([200, headers.get("etag")]);
    for (const refused of [
      await region.mergePatch(id, { stats: { posts: 3 } }),
      await region.put(id, { stats: { posts: 3 } }),
      await region.jsonPatch(id, [{ op: "replace", path: "/stats/posts", value: 3 }]),
      await region.operations(id, [{ op: "set", path: "/stats/posts", value: 3 }]),
      await region.operations(id, [{ op: "unset", path: "/stats/posts" }]),
    ]) {
      expect(refused.status).toBe(422);
      expect(refused.json).toMatchObject({
        type: "https://atoll.dev/problems/counter-requires-increment",
      });
    }
    expect((await region.get(id)).json).toEqual({ stats: { posts: 2 } });
  });

  test("lists take and give items by position", async () => {
    const link = (label: string): object => ({ label });
    await begin({});
    expect(await apply([{ op: "listInsert", path: "/links", values: [link("b")] }])).toEqual({
      links: [link("b")],
    });
    expect(
      await apply([
        { op: "listInsert", path: "/links", index: 0, values: [link("a")] },
        { op: "listInsert", path: "/links", values: [link("c"), link("d")] },
        { op: "listRemove", path: "/links", index: 1 },
        { op: "set", path: "/links/0/label", value: "A" },
      ]),
    ).toEqual({ links: [link("A"), link("c"), link("d")] });
    expect(await apply([{ op: "listRemove", path: "/links", index: 0, count: 3 }])).toEqual({
      links: [],
    });
    for (const operation of [
      { op: "listRemove", path: "/links", index: 0 },
      { op: "listInsert", path: "/links", index: 1, values: [1] },
      { op: "listInsert", path: "/interests", values: ["a set"] },
      { op: "listInsert", path: "/bio", values: ["a text"] },
      { op: "listRemove", path: "/links", index: 0, cuont: 1 },
    ]) {
      expect((await region.operations(id, [operation])).status).toBe(422);
    }
  });

  test("sets take and give elements, whatever is there already", async () => {
    await begin({ interests: ["chess"] });
    expect(
      await apply([
        { op: "setAdd", path: "/interests", values: ["chess", "go", "é"] },
        { op: "setAdd", path: "/interests", values: ["e\u0301"] }, // the same letter
        { op: "setRemove", path: "/interests", values: ["never there"] },
        { op: "setAdd", path: "/languages", values: ["en"] },
      ]),
    ).toEqual({ interests: ["chess", "go", "é"], languages: ["en"] });
    expect(
      await apply([{ op: "setRemove", path: "/interests", values: ["chess", "go", "é"] }]),
    ).toMatchObject({ interests: [] });
    const wrong = [{ op: "setAdd", path: "/links", values: [1] }];
    expect((await region.operations(id, wrong)).status).toBe(422);
  });

  test("texts are spliced and updated", async () => {
    await begin({ bio: "I write." });
    expect(
      await apply([
        { op: "textSplice", path: "/bio", index: 2, insert: "often " },
        { op: "textSplice", path: "/bio", index: 0, remove: 1, insert: "We" },
      ]),
    ).toEqual({ bio: "We often write." });
    expect(await apply([{ op: "textUpdate", path: "/bio", value: "😀" }])).toEqual({ bio: "😀" });
    for (const operation of [
      { op: "textSplice", path: "/bio", index: 1, insert: "x" }, // inside the surrogate pair
      { op: "textSplice", path: "/bio", index: 3 },
      { op: "textSplice", path: "/displayName", index: 0, insert: "x" },
      { op: "textUpdate", path: "/nowhere/bio", value: "x" },
    ]) {
      expect((await region.operations(id, [operation])).status).toBe(422);
    }
    expect(await apply([{ op: "textSplice", path: "/bio", index: 0, remove: 2 }])).toEqual({
      bio: "",
    });
  });

  test("with upsert an absent profile is made of them, a deleted one from nothing", async () => {
    const path = "/v1/profiles/made?upsert=true";
    const type = "application/vnd.atoll.ops+json";
    const body = [{ op: "increment", path: "/stats/posts", by: 1 }];
    expect((await region.operations("made", body)).status).toBe(404);
    expect((await region.call("PATCH", path, { type, body })).status).toBe(201);
    await region.mergePatch("made", { displayName: "old" });
    await region.call("DELETE", "/v1/profiles/made");
    const again = await region.call("PATCH", path, {
      type: "application/json-patch+json",
      body: [{ op: "add", path: "/role", value: "new" }],
    });
    // Counters are never taken back: what they counted has happened.
    expect([again.status, again.json]).toEqual([201, { role: "new", stats: { posts: 1 } }]);
  });
});

describe("Base-Version", () => {
  test("an edit means what its client saw, and merges with what came since", async () => {
    const seen = await begin({ bio: "one two", links: [{ label: "a" }, { label: "b" }] });
    await region.operations(id, [
      { op: "textSplice", path: "/bio", index: 0, insert: "zero " },
      { op: "listInsert", path: "/links", index: 0, values: [{ label: "first" }] },
    ]);
    const base = { "base-version": seen };
    const late = await region.operations(
      id,
      [
        { op: "textSplice", path: "/bio", index: 7, insert: " three" },
        { op: "listRemove", path: "/links", index: 1 },
      ],
      base,
    );
    expect([late.status, late.json]).toEqual([
      200,
      { bio: "zero one two three", links: [{ label: "first" }, { label: "a" }] },
    ]);
    const third = await region.mergePatch(id, { headline: "h", more: { than: "this" } }, base);
    expect(third.json).toMatchObject({
      headline: "h",
      more: { than: "this" },
      bio: "zero one two three",
    });
    expect((third.headers.get("document-heads") ?? "").split(",")).toHaveLength(3);
    const fourth = await region.mergePatch(id, { role: "r" });
    expect((fourth.headers.get("document-heads") ?? "").split(",")).toHaveLength(1);
  });

  test("a put at an old version keeps what was added since", async () => {
    const seen = await begin({ displayName: "Ann", role: "poet" });
    await region.mergePatch(id, { headline: "new" });
    const answer = await region.put(id, { displayName: "Anna" }, { "base-version": seen });
    expect(answer.json).toEqual({ displayName: "Anna", headline: "new" });
  });

  test("the present version is no different from none", async () => {
    const seen = await begin({ displayName: "Ann" });
    const answer = await region.mergePatch(id, { role: "r" }, { "base-version": seen });
    expect((answer.headers.get("document-heads") ?? "").split(",")).toHaveLength(1);
  });

  test("is refused when it is unknown, malformed, or of a profile that is not here", async () => {
    await begin({ displayName: "Ann" });
    const unknown = { "base-version": "ab".repeat(32) };
    expect((await region.mergePatch(id, {}, unknown)).json).toMatchObject({ status: 409 });
    for (const malformed of ["", "zz", "ab".repeat(32) + ",", "AB".repeat(32)]) {
      const answer = await region.mergePatch(id, {}, { "base-version": malformed });
      expect(answer.status).toBe(400);
    }
    expect((await region.mergePatch("nobody", {}, unknown)).status).toBe(404);
  });
});
