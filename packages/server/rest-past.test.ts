/** History, time travel, differences, reverts, conflicts and explanations over HTTP. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Clock } from "@atoll/core";
import { systemClock } from "@atoll/core";
import type { Answer } from "./rest-region.fixture.ts";
import { RestRegion } from "./rest-region.fixture.ts";

/** Every look at it is a millisecond later, so that no two changes have one time. */
const ticking: Clock = {
  ...systemClock,
  nowMs: () => ++nowMs,
};
let nowMs = 1_700_000_000_000;
const region = new RestRegion({ clock: ticking });
let count = 0;
let id = "";

beforeAll(() => region.open());
afterAll(() => region.close());

async function begin(body: object): Promise<string> {
  id = `person-${count++}`;
  return headsOf(await region.put(id, body));
}

function headsOf(answer: Answer): string {
  expect([answer.text, answer.status < 300]).toEqual([answer.text, true]);
  return answer.headers.get("document-heads") ?? "";
}

const ask = (what: string): Promise<Answer> => region.call("GET", `/v1/profiles/${id}${what}`);
const post = (what: string, body: unknown): Promise<Answer> =>
  region.call("POST", `/v1/profiles/${id}${what}`, { body });

interface Item {
  readonly hash: string;
  readonly deps: readonly string[];
  readonly time: string;
}
interface Page {
  readonly items: readonly Item[];
  readonly nextPageToken?: string;
}

describe("history", () => {
  test("tells every change, newest first, in pages that fit together", async () => {
    const heads = [await begin({ displayName: "0" })];
    for (let i = 1; i < 5; i++) heads.push(headsOf(await region.put(id, { displayName: `${i}` })));
    const whole = (await ask("/history")).json as Page;
    expect(whole.items.map(({ hash }) => hash)).toEqual([...heads].reverse());
    expect(whole.items[0]).toMatchObject({
      region: "us-east-1",
      seq: 5,
      deps: [heads[3]],
      opCount: 1,
      message: null,
    });
    const paged: Item[] = [];
    let path: string | undefined = "/history?pageSize=2";
    while (path !== undefined) {
      const answer = await ask(path);
      const page = answer.json as Page;
      paged.push(...page.items);
      const next = page.nextPageToken;
      path = next === undefined ? undefined : `/history?pageSize=2&pageToken=${next}`;
      expect(answer.headers.get("link") === null).toBe(next === undefined);
      if (paged.length === 2) await region.put(id, { displayName: "in between" });
    }
    expect(paged).toEqual(whole.items);
    expect(Object.keys(whole.items[0] ?? {})).toContain("principal");
  });

  test.each(["?pageSize=0", "?pageSize=1001", "?pageSize=x", "?pageToken=x"])(
    "with %s is a malformed request",
    async (query) => {
      await begin({});
      expect((await ask(`/history${query}`)).status).toBe(400);
    },
  );

  test("of nobody is not found; of a deleted profile it is what there is", async () => {
    await begin({ displayName: "gone" });
    await region.call("DELETE", `/v1/profiles/${id}`);
    expect((await ask("")).status).toBe(404);
    expect(((await ask("/history")).json as Page).items).toHaveLength(2);
    expect((await region.call("GET", "/v1/profiles/nobody/history")).status).toBe(404);
  });
});

describe("?at", () => {
  test("shows every version by its heads, with its own ETag", async () => {
    const first = await region.put((id = `person-${count++}`), { displayName: "one" });
    const second = await region.put(id, { displayName: "two", role: "poet" });
    for (const answer of [first, second]) {
      const heads = headsOf(answer);
      const past = await ask(`?at=${heads}`);
      expect(past.text).toBe(answer.text);
      expect(past.headers.get("etag")).toBe(answer.headers.get("etag"));
      expect(past.headers.get("document-heads")).toBe(heads);
      const again = await region.call("GET", `/v1/profiles/${id}?at=${heads}`, {
        headers: { "if-none-match": answer.headers.get("etag") ?? "" },
      });
      expect(again.status).toBe(304);
    }
    expect((await ask(`?at=${"ab".repeat(32)}`)).status).toBe(404);
    expect((await ask("?at=yesterday")).status).toBe(400);
  });

  test("shows what was there at a time, to the millisecond", async () => {
    await begin({ displayName: "one" });
    await region.put(id, { displayName: "two" });
    await region.call("DELETE", `/v1/profiles/${id}`);
    await region.put(id, { displayName: "back" });
    const { items } = (await ask("/history")).json as Page;
    const shown: unknown[] = [];
    for (const { time } of [...items].reverse()) {
      shown.push((await ask(`?at=${time}`)).json);
    }
    expect(shown).toEqual([
      { displayName: "one" },
      { displayName: "two" },
      expect.objectContaining({ status: 404 }),
      { displayName: "back" },
    ]);
    expect((await ask("?at=2019-01-01T00:00:00Z")).status).toBe(404);
  });
});

describe("diff and revert", () => {
  test("the difference is a patch that leads from one version to the other", async () => {
    const one = await begin({ displayName: "Ann", links: [{ label: "a" }, { label: "b" }] });
    const two = headsOf(
      await region.put(id, { role: "poet", links: [{ label: "a" }, { label: "B" }, {}] }),
    );
    const answer = await ask(`/diff?from=${one}&to=${two}`);
    expect(answer.headers.get("content-type")).toBe("application/json-patch+json");
    expect(answer.json).toEqual([
      { op: "remove", path: "/displayName" },
      { op: "replace", path: "/links/1/label", value: "B" },
      { op: "add", path: "/links/2", value: {} },
      { op: "add", path: "/role", value: "poet" },
    ]);
    expect((await ask(`/diff?from=${one}`)).json).toEqual(answer.json);
    const back = (await ask(`/diff?from=${two}&to=${one}`)).json;
    expect((await region.jsonPatch(id, back)).json).toEqual({
      displayName: "Ann",
      links: [{ label: "a" }, { label: "b" }],
    });
    const patches = await ask(`/diff?from=${one}&to=${two}&format=patches`);
    expect(patches.headers.get("content-type")).toBe("application/vnd.atoll.patches+json");
    expect(patches.json).toContainEqual(expect.objectContaining({ action: "put" }));
    expect((await ask(`/diff?from=${one}&format=other`)).status).toBe(400);
    expect((await ask(`/diff?to=${one}`)).status).toBe(400);
    expect((await ask(`/diff?from=${"ab".repeat(32)}`)).status).toBe(404);
  });

  test("a revert is a new change; counters stay", async () => {
    const before = { displayName: "Ann", bio: "I write.", interests: ["chess"] };
    const one = await begin(before);
    await region.put(id, { displayName: "Bob", interests: ["go"], role: "poet" });
    await region.operations(id, [{ op: "increment", path: "/stats/posts", by: 4 }]);
    const part = await post("/revert", { to: [one], paths: ["/bio", "/role"] });
    expect(part.json).toEqual({
      displayName: "Bob",
      bio: "I write.",
      interests: ["go"],
      stats: { posts: 4 },
    });
    const counted = (part.headers.get("document-heads") ?? "").split(", ");
    await region.operations(id, [{ op: "increment", path: "/stats/posts", by: 1 }]);
    expect((await post("/revert", { to: counted })).json).toMatchObject({ stats: { posts: 5 } });
    const whole = await post("/revert", { to: [one] });
    expect([whole.status, whole.json]).toEqual([200, { ...before, stats: { posts: 5 } }]);
    expect(((await ask("/history")).json as Page).items).toHaveLength(6);
    const again = await post("/revert", { to: [one] });
    expect(again.headers.get("etag")).toBe(whole.headers.get("etag"));
  });

  test("a deleted profile comes back by it; what is unknown is refused", async () => {
    const one = await begin({ displayName: "Ann" });
    await region.call("DELETE", `/v1/profiles/${id}`);
    const answer = await post("/revert", { to: [one] });
    expect([answer.status, answer.json]).toEqual([201, { displayName: "Ann" }]);
    expect((await post("/revert", { to: ["ab".repeat(32)] })).status).toBe(409);
    expect((await post("/revert", { to: [] })).status).toBe(422);
    expect((await post("/revert", { to: [one], path: ["/x"] })).status).toBe(422);
    id = "nobody";
    expect((await post("/revert", { to: [one] })).status).toBe(404);
  });
});

interface Conflict {
  readonly pointer: string;
  readonly winner: string;
  readonly values: readonly { readonly opId: string; readonly value: unknown }[];
}

describe("conflicts", () => {
  async function beginConflict(): Promise<Conflict> {
    const base = { "base-version": await begin({ displayName: "Ann" }) };
    await region.mergePatch(id, { displayName: "Anna" });
    await region.mergePatch(id, { displayName: "Anne", more: { of: "two" } }, base);
    await region.mergePatch(id, { more: ["list"] }, base);
    const answer = await ask("/conflicts");
    const { items } = answer.json as { items: readonly Conflict[] };
    expect(items.map(({ pointer }) => pointer)).toEqual(["/displayName", "/more"]);
    expect(items[1]?.values.map(({ value }) => value)).toEqual([{ of: "two" }, ["list"]]);
    return items[0] as Conflict;
  }

  test("are told with the winner first, who wrote each value, and why", async () => {
    const { winner, values } = await beginConflict();
    const { displayName } = (await ask("")).json as { displayName: string };
    expect(new Set(values.map(({ value }) => value))).toEqual(new Set(["Anna", "Anne"]));
    expect(values[0]).toMatchObject({ opId: winner, value: displayName });
    const { items } = (await ask("/history")).json as Page;
    for (const value of values) {
      const { writer } = value as unknown as { writer: Item };
      expect(items.find(({ hash }) => hash === writer.hash)).toMatchObject(writer);
    }
    expect((await ask("")).headers.get("conflicts")).toBe("?1");
    const explained = await ask("/explain?pointer=/displayName");
    expect(explained.json).toMatchObject({
      kind: "register",
      value: displayName,
      opId: winner,
      writer: { region: "us-east-1" },
      losers: [values[1]],
      rule: expect.stringContaining("larger number") as string,
    });
    const mixed = await ask("/explain?pointer=/more");
    expect(mixed.json).toMatchObject({ kind: "map", losers: [{ value: ["list"] }] });
  });

  test("are settled by naming a value, in one call each", async () => {
    const { values } = await beginConflict();
    const loser = values[1];
    const chosen = await post("/conflicts/resolve", { pointer: "/displayName", opId: loser?.opId });
    expect(chosen.json).toMatchObject({ displayName: loser?.value });
    const stale = await post("/conflicts/resolve", { pointer: "/displayName", opId: loser?.opId });
    expect([stale.status, stale.json]).toMatchObject([409, { title: "Conflict has changed" }]);
    const roles = ((await ask("/conflicts")).json as { items: readonly Conflict[] }).items;
    expect(roles.map(({ pointer }) => pointer)).toEqual(["/more"]);
    const list = roles[0]?.values[1]?.opId;
    const settled = await post("/conflicts/resolve", { pointer: "/more", opId: list });
    expect(settled.json).toMatchObject({ more: ["list"] });
    expect(settled.headers.get("conflicts")).toBeNull();
    expect((await ask("/conflicts")).json).toEqual({ items: [] });
  });

  test("that an edit names in a list item which is not there yet are not there", async () => {
    await begin({ links: [{ label: "a" }] });
    const answer = await region.operations(id, [
      { op: "listInsert", path: "/links", index: 0, values: [{ label: "b" }, { label: "c" }] },
      { op: "resolve", path: "/links/2/label", opId: "1@aa" },
    ]);
    expect(answer.status).toBe(409);
    expect((await ask("")).json).toEqual({ links: [{ label: "a" }] });
  });

  test("are settled by any value, the winner's own too", async () => {
    const { values } = await beginConflict();
    const value = values[0]?.value;
    expect((await post("/conflicts/resolve", { pointer: "/displayName", value })).status).toBe(200);
    // Not in conflict any more: it is so already.
    expect((await post("/conflicts/resolve", { pointer: "/displayName", value })).status).toBe(200);
    const other = await post("/conflicts/resolve", { pointer: "/more", value: "poet" });
    expect(other.json).toEqual({ displayName: value, more: "poet" });
    expect((await ask("/conflicts")).json).toEqual({ items: [] });
    for (const body of [{ pointer: "/more" }, { pointer: "/more", opId: "1@a", value: 1 }, {}]) {
      expect((await post("/conflicts/resolve", body)).status).toBe(422);
    }
  });
});

describe("explain", () => {
  test("tells who wrote each part of a set, list and text, and the rule of a counter", async () => {
    const one = await begin({ bio: "one two", interests: ["a"], links: [{ label: "x" }] });
    const two = headsOf(
      await region.operations(id, [
        { op: "textSplice", path: "/bio", index: 3, insert: ", well," },
        { op: "setAdd", path: "/interests", values: ["b"] },
        { op: "set", path: "/links/0/label", value: "y" },
        { op: "increment", path: "/stats/posts", by: 2 },
      ]),
    );
    const explain = async (pointer: string) =>
      (await ask(`/explain?pointer=${pointer}`)).json as {
        kind: string;
        value: unknown;
        writer: Item | null;
        parts: readonly { value: unknown; writer: Item }[];
      };
    const parts = (explained: Awaited<ReturnType<typeof explain>>) =>
      explained.parts.map(({ value, writer }) => [value, writer.hash]);
    expect(parts(await explain("/bio"))).toEqual([
      ["one", one],
      [", well,", two],
      [" two", one],
    ]);
    expect(parts(await explain("/interests"))).toEqual([
      ["a", one],
      ["b", two],
    ]);
    expect(parts(await explain("/links"))).toEqual([[{ label: "y" }, one]]);
    expect((await explain("/links/0/label")).writer).toMatchObject({ hash: two, deps: [one] });
    expect((await explain("/interests/1")).writer).toMatchObject({ hash: two });
    expect(await explain("/stats/posts")).toMatchObject({ kind: "counter", value: 2, parts: [] });
    expect(await explain("/stats")).toMatchObject({ kind: "map", writer: null });
    expect((await ask("/explain?pointer=/nothing")).status).toBe(404);
    for (const query of ["", "?pointer=", "?pointer=bio"]) {
      expect((await ask(`/explain${query}`)).status).toBe(400);
    }
  });
});
