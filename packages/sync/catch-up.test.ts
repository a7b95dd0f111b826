// Pull: in which order, of whom, and what an answer may cost everybody else.
import { describe, expect, test } from "vitest";
import { limits } from "@atoll/core";
import type { LogEntry } from "@atoll/core";
import { Regions } from "./region.fixture.ts";
import type { FakeRegion } from "./region.fixture.ts";

/** Two regions that meet after one has written for a while. */
function afterOutage(
  seed: string,
  write: (a: FakeRegion, regions: Regions) => void,
  delayMs = 10,
): Regions {
  const regions = new Regions(seed, { delayMs });
  write(regions.a, regions);
  return regions;
}

const entriesOf = (said: { readonly message: { readonly entries: readonly LogEntry[] } }[]) =>
  said.flatMap(({ message }) => message.entries);

describe("what was missed", () => {
  test("comes newest first, from every lane, with one question", () => {
    const regions = afterOutage("newest", (a) => {
      for (const shard of [1, 2, 3]) a.write(400, 100, shard);
    }).connect();
    expect(regions.saidBy("b", "need")).toHaveLength(1);
    const entries = entriesOf(regions.saidBy("a", "batch"));
    expect(entries).toHaveLength(1_200);
    expect(regions.saidBy("a", "batch").length).toBeLessThan(15);
    const newest = entries.slice(0, 3 * limits.NEED_NEWEST_ENTRIES);
    expect(Math.min(...newest.map(({ seq }) => seq))).toBe(400 - limits.NEED_NEWEST_ENTRIES + 1);
    expect(new Set(newest.map(({ shard }) => shard)).size).toBe(3);
    for (const shard of [1, 2, 3]) expect(regions.b.held(regions.a, shard)).toBe(400);
  });

  test("is asked for oldest first once most of it has to wait for parents", () => {
    const held = (b: FakeRegion, entry: LogEntry) =>
      entry.seq === 1 || b.frontier.lane(entry).has(entry.seq - 1);
    const history = (a: FakeRegion, { b }: Regions): void => {
      a.write(20_000, 20, 1);
      b.waits = (entry) => !held(b, entry);
    };
    const regions = afterOutage("oldest", history, 2).connect();
    regions.clock.advance(2_000);
    const needs = regions.saidBy("b", "need").map(({ message }) => message);
    expect(needs.map(({ oldestFirst }) => oldestFirst)).toEqual([false, true]);
    expect(needs[1]?.ranges[0]?.lo).toBe(1);
    // what was under way until the peer heard of it, not the outage
    expect(regions.b.waitingMax).toBeLessThan(10 * limits.BATCH_ENTRIES_MAX);
    expect(regions.b.held(regions.a, 1)).toBe(20_000);
    const sent = entriesOf(regions.saidBy("a", "batch")).length;
    expect(sent).toBeLessThanOrEqual(20_000 + 2 * limits.NEED_FIRST_ENTRIES);
  });

  test("is asked for by a sample first, then all at once, where the newest can be applied", () => {
    const regions = afterOutage("sample", (a) => a.write(20_000, 20, 1), 2).connect();
    regions.clock.advance(2_000);
    const needs = regions.saidBy("b", "need").map(({ message }) => message);
    expect(needs.map(({ oldestFirst }) => oldestFirst)).toEqual([false, false]);
    const asked = needs.map(({ ranges }) =>
      ranges.reduce((sum, { lo, hi }) => sum + hi - lo + 1, 0),
    );
    expect(asked[0]).toBeLessThan(2 * limits.NEED_FIRST_ENTRIES);
    expect(asked.reduce((sum, one) => sum + one)).toBe(20_000);
    expect(entriesOf(regions.saidBy("a", "batch"))).toHaveLength(20_000);
    expect(regions.b.held(regions.a, 1)).toBe(20_000);
  });

  test("costs at most four bytes of control an entry, for 50 000 entries", () => {
    const regions = afterOutage("control", (a) => {
      for (let i = 0; i < 500; i++) a.write(100, 20, i % 16);
    }).connect();
    regions.clock.advance(5_000);
    const control = regions.said.filter(({ message }) => message.kind !== "batch");
    const bytes = control.reduce((sum, said) => sum + said.bytes, 0);
    for (let shard = 0; shard < 16; shard++) {
      expect(regions.b.held(regions.a, shard)).toBeGreaterThan(3_000);
    }
    expect(bytes / 50_000).toBeLessThan(4);
    expect(regions.said.some(({ message }) => message.kind === "served")).toBe(true);
  });

  test("of a lane with gaps is asked for in the gaps alone", () => {
    const regions = new Regions("gaps");
    const { a, b } = regions;
    const entries = a.write(300, 20);
    b.waits = ({ seq }) => seq > 250; // keeps none of these yet
    regions.connect();
    b.waits = () => false;
    expect(b.held(a)).toBe(250);
    a.step({ kind: "reset", reason: "test" });
    regions.clock.advance(500);
    expect(entries).toHaveLength(300);
    const twice = entriesOf(regions.saidBy("a", "batch")).filter(({ seq }) => seq <= 250);
    expect(twice).toHaveLength(250);
  });
});

describe("a peer that has trimmed its log", () => {
  test("says so, is left alone with it, and another is asked", () => {
    const regions = new Regions("trimmed", { count: 3 });
    const { a, b, c, network, clock } = regions;
    if (c === undefined) return;
    a.write(100);
    network.cut("b", "c"); // c gets everything of a, b nothing of either
    network.cut("a", "b");
    regions.connect();
    expect(c.held(a)).toBe(100);
    a.isTrimmed = ({ seq }) => seq <= 40;
    network.heal("a", "b");
    clock.advance(10_000);
    expect(b.held(a)).toBe(60);
    const [trimmed] = regions.saidBy("a", "trimmed");
    expect(trimmed?.message.ranges).toMatchObject([
      { lo: 37, hi: 40 },
      { lo: 1, hi: 36 },
    ]);
    expect(b.reports).toContain("log-trimmed-at-peer");
    const lateMs = clock.nowMs();
    clock.advance(20_000);
    expect(regions.saidBy("b", "need", lateMs)).toEqual([]); // not again for a while
    network.heal("b", "c");
    clock.advance(15_000);
    expect(b.held(a)).toBe(100); // c had it
  });
});

describe("a peer that asks again", () => {
  test("gets the new answer and not the rest of the old one", () => {
    const regions = afterOutage("again", (a) => a.write(5_000, 400)).connect();
    const { a, b, clock, network } = regions;
    a.write(1);
    b.step({ kind: "reset", reason: "test" });
    network.throttle("a", "b", 500_000);
    a.step({ kind: "reset", reason: "test" });
    clock.advance(3_000);
    expect(b.held(a)).toBe(5_001);
  });
});

describe("a link of 2 MB/s over which 20 MB of catch-up flow", () => {
  test("delays no fresh entry by more than one slice, and no heartbeat", () => {
    const regions = afterOutage("bulk", (a) => {
      for (let i = 0; i < 200; i++) a.write(25, 4_000, i % 16);
    });
    const { a, b, clock, network } = regions;
    network.throttle("a", "b", 2_000_000);
    regions.connect();
    const startMs = clock.nowMs();
    const waitsMs: number[] = [];
    let backlogMax = 0;
    for (let i = 0; a.sync.status()[0]?.distance?.ahead !== 0 && i < 100; i++) {
      const shard = i % 16;
      const [entry] = a.write(1, 200, shard);
      if (entry === undefined) break;
      let waitMs = 0;
      for (; !b.frontier.lane(entry).has(entry.seq); waitMs++) clock.advance(1);
      waitsMs.push(waitMs);
      backlogMax = Math.max(backlogMax, a.backlogBytesMax());
      clock.advance(150);
    }
    expect(clock.nowMs() - startMs).toBeGreaterThan(8_000);
    // 10 ms of delay, one slice at 2 kB/ms, and what was let in before it
    const sliceMs = (limits.BATCH_BYTES_MAX + limits.ANSWER_BACKLOG_BYTES_MAX) / 2_000;
    expect(Math.max(...waitsMs)).toBeLessThanOrEqual(Math.ceil(10 + sliceMs + 10));
    expect(backlogMax).toBeLessThan(limits.BATCH_BYTES_MAX * 2);
    const beats = regions.saidBy("a", "heartbeat", startMs).map(({ atMs }) => atMs);
    const gaps = beats.slice(1).map((atMs, i) => atMs - (beats[i] ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(limits.HEARTBEAT_IDLE_MS + limits.TICK_MS);
    expect(a.reports).not.toContain("link-lost");
    for (let shard = 0; shard < 16; shard++) expect(b.held(a, shard)).toBe(a.held(a, shard));
  });
});
