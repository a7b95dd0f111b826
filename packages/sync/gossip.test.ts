// Push: when a batch leaves, who confirms it, and what happens when the peer or the link takes no more.
import { describe, expect, test } from "vitest";
import { limits } from "@atoll/core";
import { encodeMessage } from "./codec.ts";
import { PROTOCOL_VERSION } from "./version.ts";
import { Regions } from "./region.fixture.ts";

function connected(seed: string, delayMs = 10): Regions {
  return new Regions(seed, { delayMs }).connect();
}

describe("a heartbeat", () => {
  test("speaks of lanes that have moved and are not committed yet: its coverage counts on them", () => {
    const { a, b, clock, saidBy } = bound(connected("staged"));
    const startMs = clock.nowMs();
    const lane = { shard: 0, origin: b.origin };
    a.frontier.lane(lane).add(1);
    a.staged = [lane];
    clock.advance(limits.HEARTBEAT_IDLE_MS + 1);
    const lanes = saidBy("a", "heartbeat", startMs).flatMap(({ message }) => message.lanes);
    expect(lanes).toContainEqual({ ...lane, contig: 1 });
  });
});

describe("a fresh entry", () => {
  test("leaves at once after silence, and the next waits for company", () => {
    const { a, b, clock, saidBy } = bound(connected("pace"));
    const startMs = clock.nowMs();
    a.write(1);
    a.write(1);
    a.write(1);
    clock.advance(50);
    const batches = saidBy("a", "batch", startMs);
    expect(batches.map(({ message }) => message.entries.length)).toEqual([1, 2]);
    const [first, second] = batches.map(({ atMs }) => atMs - startMs);
    expect(first).toBe(0);
    expect(second).toBeGreaterThanOrEqual(limits.PUSH_DELAY_MS);
    expect(second).toBeLessThan(limits.PUSH_DELAY_MS + 1);
    expect(b.held(a)).toBe(3);
  });

  test("waits longer while many are written, and no longer when it is quiet again", () => {
    const { a, clock, saidBy } = bound(connected("rate"));
    const startMs = clock.nowMs();
    for (let i = 0; i < 1_000; i++) {
      a.write(2);
      clock.advance(1);
    }
    const late = saidBy("a", "batch", startMs + 500).map(({ atMs }) => atMs);
    const gaps = late.slice(1).map((atMs, i) => atMs - (late[i] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(limits.PUSH_DELAY_MS_MAX - 1);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(limits.PUSH_DELAY_MS_MAX + 1);
    clock.advance(3_000);
    const quietMs = clock.nowMs();
    a.write(1);
    a.write(1);
    clock.advance(3);
    expect(saidBy("a", "batch", quietMs)).toHaveLength(2);
  });

  test("is confirmed to its sender one round trip after it was written", () => {
    const { a, b, clock, saidBy } = bound(connected("confirm", 20));
    const startMs = clock.nowMs();
    a.write(1);
    clock.advance(200);
    const lane = { shard: 0, origin: a.origin };
    const isConfirmed = ({ message }: (typeof heartbeats)[number]) =>
      message.lanes.some(({ contig, origin }) => contig === 1 && origin === lane.origin);
    const heartbeats = saidBy("b", "heartbeat", startMs);
    const confirmedMs = heartbeats.find(isConfirmed)?.atMs ?? Infinity;
    expect(confirmedMs - startMs).toBeLessThanOrEqual(20 + limits.ACK_DELAY_MS);
    expect(b.held(a)).toBe(1);
  });

  test("is confirmed together with others when many come", () => {
    const { a, clock, saidBy } = bound(connected("confirm many"));
    for (let i = 0; i < 200; i++) {
      a.write(1);
      clock.advance(1);
    }
    const sent = saidBy("b", "heartbeat").map(({ atMs }) => atMs);
    const gaps = sent.slice(1).map((atMs, i) => atMs - (sent[i] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(limits.ACK_DELAY_MS);
  });
});

describe("a peer whose disk has stopped", () => {
  test("is sent no more than its credit, costs no memory, and loses nothing", () => {
    const { a, b, clock, saidBy, sync } = bound(connected("credit"));
    const startMs = clock.nowMs();
    b.isStuck = true;
    for (let i = 0; i < 220; i++) {
      a.write(1, 50_000);
      clock.advance(5);
    }
    const bytes = () => saidBy("a", "batch", startMs).reduce((sum, said) => sum + said.bytes, 0);
    expect(bytes()).toBeGreaterThan(limits.LINK_CREDIT_BYTES - 2 * limits.BATCH_BYTES_MAX);
    expect(bytes()).toBeLessThanOrEqual(limits.LINK_CREDIT_BYTES);
    expect(sync(a).status()[0]).toMatchObject({ state: "live" });
    const heartbeats = saidBy("a", "heartbeat", clock.nowMs() - 500);
    expect(heartbeats.length).toBeGreaterThan(5); // it hears that there is more
    b.isStuck = false;
    a.step({ kind: "reset", reason: "the disk is back" }); // what it lost it gets on a new link
    clock.advance(20_000);
    expect(b.held(a)).toBe(220);
    a.write(1);
    clock.advance(15);
    expect(b.held(a)).toBe(221); // pushed again
  });

  test("that takes what it was sent gets the rest from the log, and push goes on behind it", () => {
    const { a, b, clock, saidBy } = bound(connected("resume"));
    const late = clock.nowMs();
    a.extraBacklogBytes = limits.LINK_BACKLOG_BYTES_MAX + 1;
    for (let i = 0; i < 10; i++) {
      a.write(3);
      clock.advance(20);
    }
    expect(saidBy("a", "batch", late)).toEqual([]);
    expect(saidBy("a", "heartbeat", late)).toEqual([]); // would only wait in the link
    a.extraBacklogBytes = 0;
    clock.advance(200);
    expect(b.held(a)).toBe(30);
    const answers = saidBy("a", "batch", late);
    expect(answers.every(({ message }) => message.answer === true)).toBe(true);
    a.write(1);
    clock.advance(11);
    expect(saidBy("a", "batch", late).at(-1)?.message.answer).toBe(false);
    expect(b.held(a)).toBe(31);
  });
});

describe("a peer that sends more than it was granted", () => {
  test("is refused", () => {
    const { a, b, clock, sync } = bound(connected("greedy"));
    const [entry] = a.write(1, 400_000);
    clock.advance(100);
    if (entry === undefined) return;
    const frame = encodeMessage(
      { kind: "batch", repair: false, answer: true, entries: [entry] },
      PROTOCOL_VERSION,
    );
    b.isStuck = true;
    for (let i = 0; i < 25; i++) b.step({ kind: "frame", link: 1, bytes: frame });
    clock.advance(5);
    expect(b.reports).toContain("link-refused");
    expect(sync(b).status()[0]?.state).not.toBe("live");
  });
});

function bound(regions: Regions) {
  const { a, b, clock } = regions;
  const saidBy = regions.saidBy.bind(regions);
  return { a, b, clock, saidBy, sync: (region: typeof a) => region.sync };
}
