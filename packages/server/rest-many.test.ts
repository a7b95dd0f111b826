/** Lists, batches, sparse fields, compression and Automerge files over HTTP. */
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import { request as httpRequest } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Clock } from "@atoll/core";
import { systemClock } from "@atoll/core";
import type { JsonValue } from "@atoll/profile";
import { ProfileCodec, socialProfileSchema } from "@atoll/profile";
import type { Answer } from "./rest-region.fixture.ts";
import { RestRegion } from "./rest-region.fixture.ts";

/** Every look at it is a millisecond later, so that no two writes have one time. */
const clock: Clock = { ...systemClock, nowMs: () => ++nowMs };
let nowMs = 1_700_000_000_000;
const region = new RestRegion({ clock });
const ENVELOPE = { accept: "application/vnd.atoll.profile+json" };

beforeAll(() => region.open());
afterAll(() => region.close());

interface Item {
  readonly id: string;
  readonly status: number;
  readonly etag: string;
  readonly updatedAt: string;
  readonly data: JsonValue;
  readonly problem: { readonly title: string; readonly errors?: readonly unknown[] };
}
interface Page {
  readonly items: readonly Item[];
  readonly nextPageToken?: string;
}
const page = (answer: Answer): Page => {
  expect([answer.text.slice(0, 300), answer.status]).toEqual([answer.text.slice(0, 300), 200]);
  return answer.json as Page;
};
const list = async (query: string): Promise<Page> =>
  page(await region.call("GET", `/v1/profiles${query}`));
const ids = ({ items }: Page): string[] => items.map(({ id }) => id);

async function pages(query: string): Promise<Item[]> {
  const items: Item[] = [];
  let path = `/v1/profiles?${query}`;
  for (;;) {
    const answer = await region.call("GET", path);
    items.push(...page(answer).items);
    const link = /<([^>]+)>; rel="next"/.exec(answer.headers.get("link") ?? "")?.[1];
    if (link === undefined) return items;
    expect(link).toContain(page(answer).nextPageToken);
    path = link;
  }
}

describe("lists", () => {
  const written = ["l-c", "l-a", "l-e", "l-b", "l-d"];
  beforeAll(async () => {
    for (const id of written) await region.put(id, { displayName: id, role: "listed" });
    await region.put("l-gone", {});
    await region.call("DELETE", "/v1/profiles/l-gone");
  });

  test("by id: every profile once, whatever the size of the pages", async () => {
    const whole = await list("");
    expect(ids(whole)).toEqual([...written].sort());
    expect(whole.items[0]).toEqual((await region.get("l-a", ENVELOPE)).json);
    for (const size of [1, 2, 5]) {
      expect((await pages(`pageSize=${size}`)).map(({ id }) => id)).toEqual([...written].sort());
    }
  });

  test("by update: in the order of the writes, and only what is new", async () => {
    expect((await pages("orderBy=updatedAt&pageSize=2")).map(({ id }) => id)).toEqual(written);
    const since = new Date(
      Date.parse((await list("?orderBy=updatedAt")).items[4]?.updatedAt ?? "") + 1,
    );
    await region.mergePatch("l-a", { role: "touched" });
    const fresh = await list(`?orderBy=updatedAt&updatedSince=${since.toISOString()}`);
    expect(ids(fresh)).toEqual(["l-a"]);
    expect((await pages("orderBy=updatedAt&pageSize=2")).at(-1)?.id).toBe("l-a");
  });

  test("show only the members asked for", async () => {
    const { items } = await list("?pageSize=1&fields=role,location/city");
    expect(items[0]?.data).toEqual({ role: "touched" });
  });

  test.each([
    "pageSize=0",
    "pageSize=1001",
    "orderBy=name",
    "pageToken=x",
    "updatedSince=2026-01-01T00:00:00Z",
    "orderBy=updatedAt&updatedSince=yesterday",
    `pageToken=${Buffer.from('["updatedAt",1,"00"]').toString("base64url")}`,
  ])("with %s are malformed", async (query) => {
    expect((await region.call("GET", `/v1/profiles?${query}`)).status).toBe(400);
  });
});

describe("batches", () => {
  test("read many in the order asked for, by POST and by QUERY", async () => {
    await region.put("b-1", { displayName: "one", role: "first" });
    await region.put("b-2", { displayName: "two" });
    const body = { ids: ["b-2", "nobody", "b-1", "b-2"], fields: ["displayName"] };
    const posted = await region.call("POST", "/v1/profiles:batchGet", { body });
    expect(page(posted).items.map(({ id, status, data }) => [id, status, data])).toEqual([
      ["b-2", 200, { displayName: "two" }],
      ["nobody", 404, undefined],
      ["b-1", 200, { displayName: "one" }],
      ["b-2", 200, { displayName: "two" }],
    ]);
    const queried = await region.call("QUERY", "/v1/profiles", { body });
    expect(queried.json).toEqual(posted.json);
    for (const wrong of [
      {},
      { ids: [] },
      { ids: ["?"] },
      { ids: Array<string>(501).fill("x") },
      { ids: ["b-1"], fields: ["a~"] },
    ]) {
      const answer = await region.call("POST", "/v1/profiles:batchGet", { body: wrong });
      expect(answer.status).toBe(422);
    }
  });

  test("write many, each alone: what is refused stops nothing else", async () => {
    await region.put("w-1", { displayName: "one" });
    await region.put("w-5", { displayName: "five" });
    const body = {
      writes: [
        { id: "w-1", method: "mergePatch", patch: { role: "r" } },
        { id: "w-2", method: "put", data: { displayName: "two" } },
        { id: "w-3", method: "mergePatch", patch: { role: "r" } },
        {
          id: "w-4",
          method: "operations",
          upsert: true,
          operations: [{ op: "unset", path: "/a" }],
        },
        { id: "w-5", method: "delete" },
        { id: "w-1", method: "jsonPatch", operations: [{ op: "test", path: "/role", value: 1 }] },
        { id: "w-2", method: "put", data: { displayName: 5 }, ifMatch: "*" },
        { id: "w-2", method: "put", data: {}, ifNoneMatch: "*" },
        { id: "w-1", method: "mergePatch", patch: { role: "last" } },
      ],
    };
    const { items } = page(await region.call("POST", "/v1/profiles:batchWrite", { body }));
    expect(items.map(({ id, status }) => `${id} ${status}`)).toEqual([
      "w-1 200",
      "w-2 201",
      "w-3 404",
      "w-4 201",
      "w-5 204",
      "w-1 409",
      "w-2 422",
      "w-2 412",
      "w-1 200",
    ]);
    expect(items[6]?.problem.errors).toMatchObject([{ pointer: "/displayName" }]);
    expect((await region.get("w-1")).json).toEqual({ displayName: "one", role: "last" });
    expect((await region.get("w-5")).status).toBe(404);
  });

  test("are attempted once with an Idempotency-Key, write by write", async () => {
    await region.put("w-6", {});
    const writes = [1, 2].map((by) => ({
      id: "w-6",
      method: "operations",
      operations: [{ op: "increment", path: "/stats/posts", by }],
    }));
    const asked = { body: { writes }, headers: { "idempotency-key": "batch" } };
    const first = await region.call("POST", "/v1/profiles:batchWrite", asked);
    const again = await region.call("POST", "/v1/profiles:batchWrite", asked);
    expect(again.json).toEqual(first.json);
    expect((await region.get("w-6")).json).toEqual({ stats: { posts: 3 } });
  });

  test("let others through between them", async () => {
    const order: string[] = [];
    const writes = Array.from({ length: 100 }, (_, i) => ({
      ...{ id: `turn-${i}`, method: "put", data: { role: "r" } },
    }));
    const note = (what: string) => (answer: Answer) => {
      order.push(what);
      return answer;
    };
    const batch = region.call("POST", "/v1/profiles:batchWrite", { body: { writes } });
    const told = batch.then(note("batch"));
    const profile = (i: number): Promise<Answer> => region.get(`turn-${i}`);
    while ((await profile(0)).status === 404); // the batch has begun
    await profile(0).then(note("read"));
    expect(page(await told).items.map(({ status }) => status)).toEqual(writes.map(() => 201));
    expect(order).toEqual(["read", "batch"]);
  });

  test("carry a session that has seen all of it", async () => {
    const body = { writes: [{ id: "w-7", method: "put", data: { role: "r" } }] };
    const answer = await region.call("POST", "/v1/profiles:batchWrite", { body });
    const token = answer.headers.get("session-token") ?? "";
    expect(token).not.toBe("");
    const read = await region.get("w-7", { "session-token": token });
    expect(read.status).toBe(200);
  });

  test("are told without their profiles, and where they are durable, if that is preferred", async () => {
    const writes = [
      { id: "w-8", method: "put", data: { role: "r" } },
      { id: "w-8", method: "mergePatch", patch: { role: "s" } },
      { id: "w-8", method: "delete" },
      { id: "none", method: "mergePatch", patch: {} },
    ];
    const prefer = "return=minimal, durability=2, wait=0.01";
    const write = (preferred: string) =>
      region.call("POST", "/v1/profiles:batchWrite", {
        body: { writes },
        headers: { prefer: preferred },
      });
    const minimal = await write(prefer);
    const durableIn = ["us-east-1"]; // nobody else is there
    expect(minimal.json).toMatchObject({
      items: [
        { id: "w-8", status: 201, durableIn },
        { id: "w-8", status: 204, durableIn },
        { id: "w-8", status: 204, durableIn },
        { id: "none", status: 404 },
      ],
    });
    expect(minimal.headers.get("preference-applied")).toBe(
      "wait=0.01, return=minimal, durability=local",
    );
    const strict = await write(`${prefer}, handling=strict`);
    expect(page(strict).items.map(({ status }) => status)).toEqual([504, 504, 504, 404]);
    expect(page(strict).items[0]?.problem).toMatchObject({ durableIn });
    const whole = await write("durability=local");
    expect(page(whole).items[0]).toMatchObject({ status: 201, durableIn, data: { role: "r" } });
  });

  test.each([
    [{ writes: [] }],
    [{ writes: [{ id: "x", method: "put" }] }],
    [{ writes: [{ id: "x", method: "patch", patch: {} }] }],
    [{ writes: [{ id: "x", method: "delete", upsert: true }] }],
    [{ writes: Array<unknown>(101).fill({ id: "x", method: "delete" }) }],
  ])("that are not batches are refused whole", async (body) => {
    expect((await region.call("POST", "/v1/profiles:batchWrite", { body })).status).toBe(422);
  });
});

describe("fields", () => {
  test("show what was asked for, with an ETag that still guards the whole", async () => {
    await region.put("f", {
      displayName: "f",
      location: { city: "Oslo", country: "NO" },
      links: [],
    });
    const whole = (await region.get("f")).headers.get("etag") ?? "";
    const some = await region.call("GET", "/v1/profiles/f?fields=location/city,/links,none/such");
    expect(some.text).toBe('{"links":[],"location":{"city":"Oslo"}}');
    const etag = some.headers.get("etag") ?? "";
    expect(etag.startsWith(whole.slice(0, -1))).toBe(true);
    expect(etag).not.toBe(whole);
    const headers = { "if-none-match": etag };
    const again = await region.call("GET", "/v1/profiles/f?fields=location/city", { headers });
    expect(again.status).toBe(304);
    expect((await region.mergePatch("f", { role: "r" }, { "if-match": etag })).status).toBe(200);
    expect((await region.mergePatch("f", { role: "s" }, { "if-match": etag })).status).toBe(412);
    const enveloped = await region.call("GET", "/v1/profiles/f?fields=role", { headers: ENVELOPE });
    expect(enveloped.json).toMatchObject({ id: "f", data: { role: "r" } });
    expect((await region.call("GET", "/v1/profiles/f?fields=a~")).status).toBe(400);
  });
});

describe("compression", () => {
  /** `fetch` decodes by itself, and hides what came. */
  function raw(
    path: string,
    acceptEncoding: string,
  ): Promise<{ coding: string; etag: string; body: Buffer }> {
    return new Promise((resolve, reject) => {
      const headers = { "accept-encoding": acceptEncoding };
      const request = httpRequest(region.url + path, { headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () =>
          resolve({
            coding: response.headers["content-encoding"] ?? "",
            etag: response.headers.etag ?? "",
            body: Buffer.concat(chunks),
          }),
        );
      });
      request.on("error", reject);
      request.end();
    });
  }

  const decode: Record<string, (body: Buffer) => Buffer> = {
    zstd: (body) => zstdDecompressSync(body),
    br: (body) => brotliDecompressSync(body),
    gzip: (body) => gunzipSync(body),
  };

  test.each([
    ["gzip", "gzip"],
    ["gzip, br, zstd", "zstd"],
    ["gzip;q=1, br;q=0.5", "gzip"],
    ["*", "zstd"],
    ["zstd;q=0, *;q=0.1", "br"],
    ["deflate", ""],
    ["gzip;q=0", ""],
    ["identity", ""],
    ["", ""],
  ])("Accept-Encoding %s gets %s", async (accepted, coding) => {
    const { text, headers } = await region.put("large", {
      headline: "long ".repeat(50),
      more: "x".repeat(2000),
    });
    const etag = headers.get("etag") ?? "";
    const answer = await raw("/v1/profiles/large", accepted);
    expect(answer.coding).toBe(coding);
    const body = decode[coding]?.(answer.body) ?? answer.body;
    expect(body.toString("utf8")).toBe(text);
    expect(answer.etag).toBe(coding === "" ? etag : `${etag.slice(0, -1)}+${coding}"`);
    if (coding !== "") expect(answer.body.length).toBeLessThan(text.length / 2);
  });

  test("never a small body; a very large one all the same", async () => {
    await region.put("small", { more: "x".repeat(900) });
    expect((await raw("/v1/profiles/small", "gzip")).coding).toBe("");
    const items = Array.from({ length: 3 }, () => "y".repeat(20_000));
    const { text } = await region.put("huge", { items });
    const answer = await raw("/v1/profiles/huge", "br");
    expect(decode["br"]?.(answer.body).toString()).toBe(text);
    const headers = { "if-none-match": answer.etag };
    expect((await region.get("huge", headers)).status).toBe(304);
  });
});

describe("Automerge files", () => {
  test("the snapshot is the document, and changes are what its holder lacks", async () => {
    const first = await region.put("doc", { displayName: "Ann", bio: "I write." });
    await region.mergePatch("doc", { role: "poet" });
    const snapshot = await region.call("GET", "/v1/profiles/doc/snapshot");
    expect(snapshot.headers.get("content-type")).toBe("application/vnd.automerge");
    const codec = new ProfileCodec(socialProfileSchema);
    const actor = new Uint8Array(16).fill(9);
    const whole = codec.open({ base: snapshot.bytes, tail: new Uint8Array() }, actor);
    expect(whole.render().json).toBe((await region.get("doc")).text);
    const heads = first.headers.get("document-heads") ?? "";
    const since = await region.call("GET", `/v1/profiles/doc/changes?heads=${heads}`);
    const all = await region.call("GET", "/v1/profiles/doc/changes");
    expect(all.bytes.length).toBeGreaterThan(since.bytes.length);
    const joined = codec.open({ base: undefined, tail: all.bytes }, actor);
    expect(joined.render().json).toBe(whole.render().json);
    expect((await region.call("GET", "/v1/profiles/doc/changes?heads=x")).status).toBe(400);
    const unknown = `/v1/profiles/doc/changes?heads=${"ab".repeat(32)}`;
    expect((await region.call("GET", unknown)).status).toBe(409);
    expect((await region.call("GET", "/v1/profiles/nobody/snapshot")).status).toBe(404);
    whole.free();
    joined.free();
  });
});
