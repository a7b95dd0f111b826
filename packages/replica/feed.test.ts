import { afterEach, describe, expect, test } from "vitest";
import { DEFAULT_TENANT, SeededRandom, limits, must } from "@atoll/core";
import type { JsonObject } from "@atoll/profile";
import type { FeedPage } from "./feed.ts";
import { Fleet } from "./fleet.fixture.ts";

let fleet: Fleet;
afterEach(() => fleet.close());

const EAST = "us-east-1";
const EUROPE = "eu-west-1";
const ALL = { tenant: DEFAULT_TENANT, since: undefined, limit: 1_000, withData: false };

const put = (value: JsonObject) => ({ kind: "put", value }) as const;
const feedOf = (name: string) => fleet.driver(name).service.feed;
const never = new AbortController().signal;

/** Follows a feed as a client would, keeping the last it was told of each profile. */
class Consumer {
  readonly known = new Map<string, string | undefined>();
  cursor: string | undefined;

  take(page: FeedPage): void {
    for (const event of page.events) {
      if (event.kind !== "superseded") this.known.set(event.id, event.json);
    }
    this.cursor = page.cursor;
  }

  async catchUp(name: string, limit: number): Promise<void> {
    for (let more = true; more;) {
      const page = await feedOf(name).page({ ...ALL, since: this.cursor, limit, withData: true });
      this.take(page);
      more = page.more;
    }
  }
}

describe("a change feed", () => {
  test("tells every region's writes in every region, where and when they were written", async () => {
    fleet = new Fleet("feed");
    await fleet.write(EAST, "ada", put({ displayName: "Ada" }));
    await fleet.write(EUROPE, "bob", put({ displayName: "Bob" }));
    await fleet.until("converged", () => fleet.converged());
    for (const name of fleet.names) {
      const { events, more } = await feedOf(name).page(ALL);
      const regions = Object.fromEntries(
        events.map((event) => [event.id, event.kind === "superseded" ? "" : event.region]),
      );
      expect(regions).toEqual({ ada: EAST, bob: EUROPE });
      expect(more).toBe(false);
    }
    await fleet.write(EAST, "ada", { kind: "delete" });
    const { events } = await feedOf(EAST).page(ALL);
    expect(events.map(({ kind, id }) => [kind, id])).toEqual([
      ["change", "bob"],
      ["delete", "ada"],
    ]);
  });

  test("followed in pages of any size, through crashes, ends with what the region holds", async () => {
    fleet = new Fleet("following");
    const random = new SeededRandom("following");
    const ids = Array.from({ length: 12 }, (_, i) => `p${i}`);
    const consumers = new Map(fleet.names.map((name) => [name, new Consumer()]));
    for (let step = 0; step < 120; step++) {
      const name = must(fleet.names[random.below(3)], "a region");
      const id = must(ids[random.below(ids.length)], "an id");
      const edit = random.below(6) === 0 ? ({ kind: "delete" } as const) : put({ bio: `${step}` });
      await fleet.write(name, id, edit);
      if (random.below(20) === 0) {
        fleet.crash(name);
        fleet.start(name);
      }
      const reading = must(fleet.names[random.below(3)], "a region");
      await consumers.get(reading)?.catchUp(reading, 1 + random.below(4));
    }
    await fleet.until("converged", () => fleet.converged());
    for (const [name, consumer] of consumers) {
      await consumer.catchUp(name, 3);
      for (const id of ids) {
        expect([name, id, consumer.known.get(id)]).toEqual([name, id, await fleet.json(name, id)]);
      }
    }
  });

  test("tells nothing that is not durable, and wakes who waits once it is", async () => {
    fleet = new Fleet("durable");
    await fleet.run(100);
    const start = feedOf(EAST).end();
    const writing = fleet
      .driver(EAST)
      .service.write(
        "ada" as never,
        put({}),
        {},
        { token: undefined, waitMs: 0, handling: "strict" },
        { upsert: false },
      );
    await Promise.resolve();
    expect((await feedOf(EAST).page({ ...ALL, since: start })).events).toEqual([]);
    const waiting = feedOf(EAST).changed(start, 60_000, never);
    await fleet.run(limits.FEED_PACE_MS + 10);
    expect(await waiting).toBe(true);
    await writing;
    expect((await feedOf(EAST).page({ ...ALL, since: start })).events).toMatchObject([
      { id: "ada" },
    ]);
  });

  test("says so when nothing changed in time, when its consumer leaves, and when the region stops", async () => {
    fleet = new Fleet("waiting");
    const feed = feedOf(EAST);
    const late = feed.changed(feed.end(), 50, never);
    const leaving = new AbortController();
    const gone = feed.changed(feed.end(), 60_000, leaving.signal);
    leaving.abort(new Error("left"));
    await expect(gone).rejects.toThrow("left");
    await fleet.run(60);
    expect(await late).toBe(false);
    const stopped = feed.changed(feed.end(), 60_000, never);
    feed.close();
    expect(await stopped).toBe(false);
    expect(feed.waiting).toBe(0);
  });

  test("knows a cursor of another copy, of a trimmed entry, and of nobody", async () => {
    fleet = new Fleet("cursors");
    await fleet.write(EAST, "ada", put({}));
    await fleet.write(EAST, "bob", put({}));
    const { events } = await feedOf(EAST).page(ALL);
    const [first] = events;
    const page = (since: string) => feedOf(EAST).page({ ...ALL, since });
    const other = (first?.cursor ?? "").replace(/.$/, (digit) => (digit === "0" ? "1" : "0"));
    const past = (first?.cursor ?? "").replace(/^0/, "1");
    for (const expired of [other, "0.zz.00000000", past]) {
      await expect(page(expired)).rejects.toMatchObject({
        code: "cursor-expired",
        data: { cursor: feedOf(EAST).end() },
      });
    }
    for (const nonsense of ["", "x", "1", "0.00.00000000", "now ", "0.1.0000000g", "1.00000000"]) {
      await expect(page(nonsense)).rejects.toMatchObject({ code: "malformed-request" });
    }
    expect(await page("now")).toEqual({ events: [], cursor: feedOf(EAST).end(), more: false });
  });
});

describe("an acknowledged write that a concurrent one overrode", () => {
  const superseded = (page: FeedPage) => page.events.filter((event) => event.kind === "superseded");

  /** Two regions write the same member at once; everybody has both when it returns. */
  async function disagree(id: string): Promise<void> {
    await Promise.all([
      fleet.write(EAST, id, put({ displayName: "from the east", bio: "b" })),
      fleet.write(EUROPE, id, put({ displayName: "from europe", bio: "b" })),
    ]);
    await fleet.until("converged", () => fleet.converged());
  }

  test("is named in every region alike, with what won, before the change that made them meet", async () => {
    fleet = new Fleet("superseded");
    await fleet.write(EAST, "ada", put({ displayName: "Ada" }));
    await fleet.until("converged", () => fleet.converged());
    const since = new Map(fleet.names.map((name) => [name, feedOf(name).end()]));
    await disagree("ada");
    const told = [];
    for (const name of fleet.names) {
      const page = await feedOf(name).page({ ...ALL, since: since.get(name) });
      expect(page.events.map(({ kind }) => kind)).toEqual(["superseded", "change"]);
      const [event] = superseded(page);
      expect(event?.cursor).not.toBe(page.cursor);
      const again = await feedOf(name).page({ ...ALL, since: event?.cursor });
      expect(again.events.map(({ kind }) => kind)).toContain("change");
      const { pointer, lost, winner } = must(event, "an event");
      told.push({ pointer, lost, winner });
    }
    expect(told[1]).toEqual(told[0]);
    expect(told[2]).toEqual(told[0]);
    const [first] = told;
    expect(first?.pointer).toBe("/displayName");
    expect([first?.lost.region, first?.winner?.region].sort()).toEqual([EUROPE, EAST]);
    const shown = await fleet.json(EAST, "ada");
    const from = first?.winner?.region === EAST ? "from the east" : "from europe";
    expect(shown).toContain(from);
  });

  test("is named once for those who follow, and not any more when it was settled", async () => {
    fleet = new Fleet("superseded once");
    await disagree("ada");
    await fleet.write(EAST, "bob", put({ displayName: "Bob" }));
    const first = await feedOf(EAST).page(ALL);
    expect(superseded(first)).toHaveLength(1);
    await fleet.write(EAST, "ada", { kind: "merge-patch", patch: { bio: "c" } });
    const later = await feedOf(EAST).page({ ...ALL, since: first.cursor });
    expect(later.events.map(({ kind }) => kind)).toEqual(["change"]);
    await fleet.write(EAST, "ada", put({ displayName: "settled", bio: "c" }));
    expect(superseded(await feedOf(EAST).page(ALL))).toEqual([]);
  });

  test("ends a page before too many documents were opened for it", async () => {
    fleet = new Fleet("superseded many");
    const ids = Array.from({ length: limits.FEED_OPENED_MAX + 2 }, (_, i) => `p${i}`);
    for (const id of ids) await disagree(id);
    const page = await feedOf(EAST).page(ALL);
    expect([superseded(page).length, page.more]).toEqual([limits.FEED_OPENED_MAX, true]);
    const rest = await feedOf(EAST).page({ ...ALL, since: page.cursor });
    expect([superseded(rest).length, rest.more]).toEqual([2, false]);
  });
});
