import { request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { limits } from "@atoll/core";
import type { ProfileId } from "@atoll/core";
import { EVENT_STREAM, NDJSON, eventText, pageText } from "./feed-format.ts";
import { parseFields } from "./fields.ts";
import { Loopback } from "./loopback.ts";

let loopback: Loopback;
beforeEach(async () => {
  loopback = new Loopback();
  await loopback.open();
});
afterEach(() => loopback.close());

const get = (path: string, headers: Record<string, string> = {}) =>
  loopback.call("GET", path, { headers });

describe("a write that was overridden", () => {
  const lost = { change: "aa".repeat(32), region: "us", writtenAtMs: 1_700_000_000_000 };
  const winner = { change: "bb".repeat(32), region: "eu", writtenAtMs: 1_700_000_000_001 };
  const event = {
    cursor: "1",
    kind: "superseded",
    id: "ada" as ProfileId,
    pointer: "/bio/x",
    lost,
    winner,
  } as const;

  test("is told with its region and what won", () => {
    const told = JSON.parse(eventText(event)) as unknown;
    const [us, eu] = ["2023-11-14T22:13:20.000Z", "2023-11-14T22:13:20.001Z"];
    expect(told).toEqual({
      cursor: "1",
      type: "superseded",
      id: "ada",
      pointer: "/bio/x",
      change: lost.change,
      region: "us",
      writtenAt: us,
      winner: { change: winner.change, region: "eu", writtenAt: eu },
    });
    expect(EVENT_STREAM.event(event)).toMatch(/^id: 1\nevent: superseded\ndata: \{.*\}\n\n$/);
  });

  test("of a member that the client may not see is not told at all", () => {
    const others = parseFields(["name"]);
    const own = parseFields(["bio"]);
    expect([NDJSON, EVENT_STREAM].map((format) => format.event(event, others))).toEqual(["", ""]);
    expect(pageText({ events: [event], cursor: "1", more: false }, others)).toContain(
      '"events":[]',
    );
    expect(NDJSON.event(event, own)).toContain("superseded");
  });
});

describe("a page of changes", () => {
  test("tells who changed, from a cursor on, and where to go on", async () => {
    const { feed } = loopback.service;
    feed.append("ada");
    feed.append("bob");
    feed.append("ada", "{}", "delete");
    const first = await get("/v1/changes?limit=2");
    expect(first.headers["content-type"]).toBe("application/json");
    expect(first.headers["cache-control"]).toBe("no-store");
    expect(first.json()).toEqual({
      events: [
        {
          cursor: "1",
          type: "change",
          id: "ada",
          region: "eu",
          writtenAt: "2023-11-14T22:13:20.000Z",
          etag: '"tag-0"',
          conflicts: false,
        },
        {
          cursor: "2",
          type: "change",
          id: "bob",
          region: "eu",
          writtenAt: "2023-11-14T22:13:20.001Z",
          etag: '"tag-1"',
          conflicts: false,
        },
      ],
      cursor: "2",
      more: true,
    });
    const rest = (await get("/v1/changes?since=2")).json();
    expect(rest).toMatchObject({ events: [{ type: "delete" }], cursor: "3", more: false });
    expect((await get("/v1/changes?since=now")).json()).toMatchObject({ events: [], cursor: "3" });
  });

  test("has the profiles in it when they are asked for", async () => {
    loopback.service.feed.append("ada", '{"name":"Ada"}');
    const { events } = (await get("/v1/changes?include=data")).json();
    expect(events).toMatchObject([{ id: "ada", data: { name: "Ada" } }]);
  });

  test("waits for the first event when the client would rather wait", async () => {
    const { feed } = loopback.service;
    const answer = get("/v1/changes", { Prefer: "wait=5" });
    await expect.poll(() => feed.waiting).toBe(1);
    feed.append("ada");
    expect((await answer).json()).toMatchObject({ events: [{ id: "ada" }], cursor: "1" });
    expect((await answer).headers["preference-applied"]).toBe("wait=5");
  });

  test("is refused with a way forward when the cursor is too old", async () => {
    const { feed } = loopback.service;
    feed.append("ada");
    feed.append("bob");
    feed.trimmedTo = 1;
    const answer = await get("/v1/changes");
    expect(answer.status).toBe(410);
    expect(answer.json()).toMatchObject({ title: "Cursor expired", cursor: "2" });
  });

  test.each(["limit=0", "limit=1001", "limit=x", "since=a&since=b", "include=all", "since=x"])(
    "is refused for ?%s",
    async (query) => {
      expect((await get(`/v1/changes?${query}`)).status).toBe(400);
    },
  );

  test("is refused as a picture", async () => {
    expect((await get("/v1/changes", { Accept: "image/png" })).status).toBe(406);
  });
});

describe("a stream of changes", () => {
  test("begins behind the cursor and goes on, as server-sent events", async () => {
    const { feed } = loopback.service;
    feed.append("ada");
    feed.append("bob", '{"name":"Bob"}');
    const stream = await open("/v1/changes?since=0&include=data", {
      Accept: "text/event-stream",
      "Last-Event-ID": "1",
    });
    expect(stream.incoming.headers["content-type"]).toBe("text/event-stream");
    await expect.poll(() => stream.text()).toContain('"data":{"name":"Bob"}}\n\n');
    expect(stream.text()).toMatch(/^retry: 2000\n\nid: 2\nevent: change\ndata: \{/);
    feed.append("bob", "{}", "delete");
    await expect.poll(() => stream.text()).toContain("id: 3\nevent: delete\n");
    feed.close();
    await stream.ended;
  });

  test("is lines of JSON for who wants lines", async () => {
    const { feed } = loopback.service;
    feed.append("ada");
    const stream = await open("/v1/changes", { Accept: "application/x-ndjson" });
    await expect.poll(() => stream.text()).toMatch(/^\{.*"id":"ada".*\}\n$/);
    feed.close();
    await stream.ended;
  });

  test("tells a cursor that has become too old, and ends", async () => {
    const { feed } = loopback.service;
    feed.append("ada");
    const stream = await open("/v1/changes", { Accept: "text/event-stream" });
    await expect.poll(() => feed.waiting).toBe(1);
    feed.trimmedTo = 5;
    feed.append("bob");
    await stream.ended;
    expect(stream.text()).toMatch(/event: reset\ndata: \{"type":"reset","cursor":"2"\}\n\n$/);
  });

  test("reads no further than its consumer, and lets go of one that reads nothing", async () => {
    const { feed } = loopback.service;
    const json = JSON.stringify({ text: "x".repeat(60_000) });
    for (let i = 0; i < 4_000; i++) feed.append(`p${i}`, json);
    const stream = await open("/v1/changes?include=data", { Accept: "text/event-stream" });
    stream.incoming.pause();
    let pages = -1;
    await expect
      .poll(() => {
        const stands = feed.pages === pages;
        pages = feed.pages;
        return stands;
      })
      .toBe(true);
    expect(pages).toBeLessThan(4_000 / limits.FEED_STREAM_EVENTS / 2);
    loopback.clock.advance(limits.FEED_STALL_MS);
    await expect
      .poll(() => loopback.log.lines.map(({ event }) => event))
      .toContain("feed-stream-ended");
    stream.incoming.resume();
    await stream.ended;
  });

  test("frees its place when its client leaves", async () => {
    const { feed } = loopback.service;
    const stream = await open("/v1/changes", { Accept: "text/event-stream" });
    await expect.poll(() => feed.waiting).toBe(1);
    stream.incoming.destroy();
    await expect.poll(() => feed.waiting).toBe(0);
  });
});

async function open(path: string, headers: Record<string, string>) {
  const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = httpRequest({ host: "127.0.0.1", port: loopback.port, path, headers }, resolve);
    request.on("error", reject);
    request.end();
  });
  const chunks: Buffer[] = [];
  incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
  const ended = new Promise<void>((resolve) => {
    incoming.on("close", resolve);
  });
  incoming.on("error", () => undefined); // cut off
  return { incoming, ended, text: () => Buffer.concat(chunks).toString("utf8") };
}
