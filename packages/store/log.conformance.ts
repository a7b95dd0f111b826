/** What every store must do with the log. */
import { describe, expect, test } from "vitest";
import { InvariantError, entryBytes, must, mustHlc, parseOrigin } from "@atoll/core";
import type { LogEntry, Origin, RegionCode } from "@atoll/core";
import type { Store } from "./store.ts";
import { inTransaction } from "./store-writes.ts";
import {
  INT64_MAX,
  INT64_MIN,
  digest,
  plain,
  sampleDocId,
  sampleEntry,
  sampleHash,
  sampleOrigin,
  samplePlace,
} from "./store-samples.ts";

export function logConformance(get: () => Store): void {
  const lane = { shard: 0, origin: sampleOrigin(1) };
  const rawLane = { shard: 0n, origin: BigInt(lane.origin) };
  const all = { lo: 1, hi: Number.MAX_SAFE_INTEGER };
  const append = (entries: readonly LogEntry[], element64 = 1n) =>
    inTransaction(get(), () => entries.forEach((entry) => get().appendLog(entry, element64)));

  describe("the log", () => {
    test("an entry reads back as it was written", () => {
      const entries = [
        sampleEntry(1),
        sampleEntry(2, { dep: new Map(), change: new Uint8Array(1) }),
        sampleEntry(3, { containers: [digest("a"), new Uint8Array(0), new Uint8Array(70_000)] }),
        sampleEntry(4, { change: new Uint8Array(300_000).fill(7) }),
      ];
      append(entries);
      expect(plain(get().readLog(lane, all, 1e9))).toEqual(plain(entries));
    });

    test("a lane is read in order of seq, whatever the order of arrival, and across holes", () => {
      append([5, 1, 9, 2].map((n) => sampleEntry(n)));
      const read = (lo: number, hi: number) =>
        get()
          .readLog(lane, { lo, hi }, 1e9)
          .map((entry) => entry.seq);
      expect(read(1, 9)).toEqual([1, 2, 5, 9]);
      expect(read(2, 5)).toEqual([2, 5]);
      expect(read(3, 4)).toEqual([]);
      expect(read(9, 9)).toEqual([9]);
      expect(read(6, 2)).toEqual([]);
    });

    test("lanes do not mix: same seq in another shard or of another origin", () => {
      append([
        sampleEntry(1),
        sampleEntry(1, { shard: 1, hash: sampleHash(2) }),
        sampleEntry(1, { origin: sampleOrigin(2), hash: sampleHash(3) }),
      ]);
      expect(get().readLog(lane, all, 1e9)).toHaveLength(1);
      expect(get().hasLogEntry(lane, 1)).toBe(true);
      expect(get().hasLogEntry(lane, 2)).toBe(false);
      expect(get().hasLogEntry({ shard: 1, origin: lane.origin }, 1)).toBe(true);
      expect(get().hasLogEntry({ shard: 1, origin: sampleOrigin(2) }, 1)).toBe(false);
    });

    test("a byte budget ends the answer with the entry that passes it", () => {
      const entries = [1, 2, 3, 4].map((n) => sampleEntry(n));
      append(entries);
      const one = entryBytes(sampleEntry(1));
      const count = (bytesMax: number) => get().readLog(lane, all, bytesMax).length;
      expect(count(0)).toBe(1);
      expect(count(one - 1)).toBe(1);
      expect(count(one)).toBe(2);
      expect(count(2 * one - 1)).toBe(2);
      expect(count(1e9)).toBe(4);
      expect(get().readLog(lane, { lo: 5, hi: 9 }, 0)).toEqual([]);
    });

    test("trimming removes rows up to a place of one lane, and remembers it", () => {
      const other = { shard: 1, origin: lane.origin };
      append([1, 2, 3, 4, 5].map((n) => sampleEntry(n)));
      append([1, 2].map((n) => ({ ...sampleEntry(n), shard: 1, hash: sampleHash(10 + n) })));
      expect(get().logSize().rows).toBe(7);
      const before = get().logSize().bytes;
      const removed = inTransaction(get(), () => get().trimLog(lane, 3));
      expect(removed.rows).toBe(3);
      expect(get().logSize()).toEqual({ rows: 4, bytes: before - removed.bytes });
      expect(
        get()
          .readLog(lane, all, 1e9)
          .map(({ seq }) => seq),
      ).toEqual([4, 5]);
      expect(get().readLog(other, all, 1e9)).toHaveLength(2);
      expect(get().readTrimmed()).toEqual([{ ...lane, through: 3 }]);
      expect(get().hasLogEntry(lane, 3)).toBe(false);
      inTransaction(get(), () => get().trimLog(lane, 2)); // never less than it was
      expect(get().readTrimmed()).toEqual([{ ...lane, through: 3 }]);
      inTransaction(get(), () => get().writeTrimmed(lane, 4));
      expect(get().readTrimmed()).toEqual([{ ...lane, through: 4 }]);
      expect(get().hasLogEntry(lane, 4)).toBe(true);
    });

    test("the newest row stays, and with it the highest timestamp and the order", () => {
      append([1, 2, 3].map((n) => sampleEntry(n)));
      const [applied, hlc] = [get().lastApplied(), get().lastHlc()];
      get().begin();
      expect(() => get().trimLog(lane, 3)).toThrow(InvariantError);
      get().trimLog(lane, 2);
      get().commit();
      expect([get().lastApplied(), get().lastHlc()]).toEqual([applied, hlc]);
      append([sampleEntry(4)]);
      expect(get().lastApplied()).toBe(applied + 1);
    });

    test("what the log weighs follows every way in and out, before it is committed and after", () => {
      const { docId } = sampleEntry(1);
      append([1, 2, 3, 4].map((n) => sampleEntry(n)));
      const four = get().logSize();
      const one = four.bytes / 4;
      get().begin();
      get().appendLog(sampleEntry(5), 5n);
      expect(get().logSize()).toEqual({ rows: 5, bytes: 5 * one });
      expect(get().removeLogEntry(lane, 2)).toBe(true);
      expect(get().removeLogEntry(lane, 2)).toBe(false);
      get().scrub.removeLogRow(3n);
      get().trimLog(lane, 1);
      expect(get().logSize()).toEqual({ rows: 2, bytes: 2 * one });
      get().appendVoid({ ...lane, seq: 6 }, { docId, hlc: sampleEntry(6).hlc });
      const { rows, bytes } = get().logSize();
      expect(rows).toBe(3);
      get().rollback();
      expect(get().logSize()).toEqual(four);
      inTransaction(get(), () => {
        get().appendVoid({ ...lane, seq: 6 }, { docId, hlc: sampleEntry(6).hlc });
        get().removeLogEntry(lane, 1);
      });
      expect(get().logSize()).toEqual({ rows: 4, bytes: bytes + one });
    });

    test("trimming is undone with its transaction", () => {
      append([1, 2, 3].map((n) => sampleEntry(n)));
      const size = get().logSize();
      get().begin();
      get().trimLog(lane, 2);
      get().writeHorizon(new Map([[1 as RegionCode, mustHlc(9)]]));
      get().rollback();
      expect(get().logSize()).toEqual(size);
      expect(get().readTrimmed()).toEqual([]);
      expect(get().readHorizon()).toEqual(new Map());
    });

    test("the oldest row of a region is known by its timestamp", () => {
      const code = Math.floor(lane.origin / 2 ** 46) as RegionCode;
      append([2, 3].map((n) => sampleEntry(n)));
      expect(get().oldestHlc(code)).toBe(sampleEntry(2).hlc);
      inTransaction(get(), () => get().trimLog(lane, 2));
      expect(get().oldestHlc(code)).toBe(sampleEntry(3).hlc);
      expect(get().oldestHlc((code + 1) as RegionCode)).toBeUndefined();
    });

    test("a place in the log is given once, also within a transaction", () => {
      const store = get();
      append([sampleEntry(1)]);
      store.begin();
      const other = sampleEntry(1, { hash: sampleHash(99) });
      expect(() => store.appendLog(other, 2n)).toThrow(InvariantError);
      store.appendLog(sampleEntry(2), 2n);
      expect(() => store.appendLog(sampleEntry(2), 2n)).toThrow(InvariantError);
      store.commit();
      expect(store.readLog(lane, all, 1e9).map((entry) => entry.seq)).toEqual([1, 2]);
      expect(store.hasChange(other.docId, other.hash, 2n)).toBe(false);
    });

    test("a place freed by rollback can be given", () => {
      const store = get();
      store.begin();
      store.appendLog(sampleEntry(1), 1n);
      store.rollback();
      append([sampleEntry(1)]);
      expect(store.lastApplied()).toBe(1);
    });

    test.each([INT64_MIN, INT64_MIN + 1n, -1n, 0n, 1n, 2n ** 53n + 1n, INT64_MAX])(
      "a change is found by its element %s",
      (element64) => {
        const entry = sampleEntry(1);
        append([entry], element64);
        const found = get().findChange(entry.docId, entry.hash, element64);
        expect(plain(found)).toEqual(plain(entry));
        expect(get().hasChange(entry.docId, entry.hash, element64)).toBe(true);
        const neighbour = element64 === INT64_MAX ? element64 - 1n : element64 + 1n;
        expect(get().hasChange(entry.docId, entry.hash, neighbour)).toBe(false);
      },
    );

    test("changes with equal elements are told apart by document and hash", () => {
      const entries = [1, 2, 3].map((n) => sampleEntry(n));
      append(entries, -5n);
      for (const { docId, hash, seq } of entries) {
        expect(get().findChange(docId, hash, -5n)?.seq).toBe(seq);
      }
      expect(get().findChange(sampleDocId(1), sampleHash(2), -5n)).toBeUndefined();
      expect(get().hasChange(sampleDocId(4), sampleHash(1), -5n)).toBe(false);
    });

    test("an element alone finds all its entries, as many as are asked for", () => {
      append(
        [1, 2, 3].map((n) => sampleEntry(n)),
        -5n,
      );
      append([sampleEntry(4)], 6n);
      const found = (element64: bigint, limit: number) =>
        get()
          .findElement(element64, limit)
          .map(({ seq }) => seq);
      expect(found(-5n, 10).sort()).toEqual([1, 2, 3]);
      expect(found(-5n, 2)).toHaveLength(2);
      expect(found(6n, 1)).toEqual([4]);
      expect(found(7n, 1)).toEqual([]);
    });

    test("what lies above a time is told by region, oldest first, whatever the incarnation", () => {
      const origin = (region: number, incarnation: number): Origin =>
        must(parseOrigin((region * 2 ** 14 + incarnation) * 2 ** 32 + 7), "origin");
      append([
        sampleEntry(1, { origin: origin(2, 0), hlc: mustHlc(300) }),
        sampleEntry(2, { origin: origin(2, 9), hlc: mustHlc(100) }),
        sampleEntry(3, { origin: origin(2, 9), hlc: mustHlc(200) }),
        sampleEntry(4, { origin: origin(3, 0), hlc: mustHlc(250) }),
        sampleEntry(5, { origin: origin(1, 2 ** 14 - 1), hlc: mustHlc(2 ** 52 - 1) }),
      ]);
      const tail = (region: number, after: number, limit = 10) =>
        get()
          .readTail(region as RegionCode, mustHlc(after), limit)
          .map(({ hash }) => [...hash]);
      const hashes = (...numbers: number[]) => numbers.map((n) => [...sampleHash(n)]);
      expect(tail(2, 0)).toEqual(hashes(2, 3, 1));
      expect(tail(2, 100)).toEqual(hashes(3, 1));
      expect(tail(2, 0, 2)).toEqual(hashes(2, 3));
      expect(tail(2, 300)).toEqual([]);
      expect(tail(3, 249)).toEqual(hashes(4));
      expect(tail(1, 2 ** 52 - 2)).toEqual(hashes(5));
      expect(tail(4, 0)).toEqual([]);
    });

    test("what came without a row is counted, with the transaction", () => {
      const store = get();
      expect(store.readEpoch()).toBe(0);
      store.begin();
      store.nextEpoch();
      store.nextEpoch();
      store.commit();
      store.begin();
      store.nextEpoch();
      store.rollback();
      expect(store.readEpoch()).toBe(2);
    });

    test("what was applied after an entry is told in that order, whatever its lane", () => {
      append([sampleEntry(3), sampleEntry(1), sampleEntry(2)]);
      const store = get();
      const all = store.readApplied(0, 10);
      expect(all.map(({ hash }) => [...hash])).toEqual([3, 1, 2].map((n) => [...sampleHash(n)]));
      expect(all.map(({ origin, hlc, docId }) => [origin, hlc, [...docId]])).toEqual(
        [3, 1, 2]
          .map((n) => sampleEntry(n))
          .map(({ origin, hlc, docId }) => [origin, hlc, [...docId]]),
      );
      const [first] = all;
      expect(store.readApplied(first?.applied ?? 0, 1)).toEqual(all.slice(1, 2));
      expect(store.readApplied(store.lastApplied(), 10)).toEqual([]);
      store.begin();
      store.removeLogEntry(sampleEntry(1), sampleEntry(1).seq);
      store.appendVoid(sampleEntry(4), sampleEntry(4));
      expect(store.readApplied(0, 10)).toEqual([all[0], all[2]]);
      store.rollback();
    });

    test("an element beyond 64 bits is refused", () => {
      const store = get();
      store.begin();
      expect(() => store.appendLog(sampleEntry(1), INT64_MAX + 1n)).toThrow(InvariantError);
      expect(() => store.appendLog(sampleEntry(1), INT64_MIN - 1n)).toThrow(InvariantError);
      store.rollback();
    });

    test("entries that no replica could have made are refused", () => {
      const store = get();
      const bad = [
        sampleEntry(0),
        sampleEntry(1, { seq: 1.5 }),
        sampleEntry(1, { shard: -1 }),
        sampleEntry(1, { origin: 5 as never }),
        sampleEntry(1, { hlc: -1 as never }),
        sampleEntry(1, { hash: new Uint8Array(31) as never }),
      ];
      store.begin();
      for (const entry of bad) expect(() => store.appendLog(entry, 0n)).toThrow(InvariantError);
      store.commit();
      expect(store.lastApplied()).toBe(0);
    });

    test("a document's entries come in the order in which they were applied", () => {
      const docId = sampleDocId(7);
      const { shard } = samplePlace(7);
      const mine = (n: number, seq: number, origin = sampleOrigin(1)) =>
        sampleEntry(n, { seq, shard, docId, origin });
      append([
        mine(1, 9),
        sampleEntry(50, { shard }),
        mine(2, 1, sampleOrigin(2)),
        mine(3, 2),
        sampleEntry(51, { shard: shard + 1, docId }), // not in the document's shard
      ]);
      const hashes = get()
        .readLogOfDocument(samplePlace(7))
        .map((entry) => [...entry.hash]);
      expect(hashes).toEqual([1, 2, 3].map((n) => [...sampleHash(n)]));
      expect(get().readLogOfDocument(samplePlace(8))).toEqual([]);
    });

    test("the last timestamp is the highest, not the newest, and rollback lowers it", () => {
      const store = get();
      append([sampleEntry(1, { hlc: mustHlc(500) })]);
      append([sampleEntry(2, { hlc: mustHlc(400) })]);
      expect(store.lastHlc()).toBe(500);
      store.begin();
      store.appendLog(sampleEntry(3, { hlc: mustHlc(2 ** 52 - 1) }), 0n);
      expect(store.lastHlc()).toBe(2 ** 52 - 1);
      store.rollback();
      expect(store.lastHlc()).toBe(500);
      append([sampleEntry(3, { hlc: mustHlc(501) })]);
      expect(store.lastHlc()).toBe(501);
    });

    test("a VOID place is used, and nothing is read, sent or found there", () => {
      const store = get();
      const about = { docId: samplePlace(0).docId, hlc: mustHlc(7) };
      append([sampleEntry(1), sampleEntry(3)]);
      inTransaction(store, () => store.appendVoid({ ...lane, seq: 2 }, about));
      expect(store.hasLogEntry(lane, 2)).toBe(true);
      expect(store.readLog(lane, all, 1e9).map((entry) => entry.seq)).toEqual([1, 3]);
      expect(store.readLogOfDocument(samplePlace(0))).toEqual([]);
      const [, voided] = store.scrub.scanLog(rawLane, undefined, 10);
      expect(voided).toMatchObject({ seq: 2n, isVoid: true, entry: { hlc: 7 } });
      store.begin();
      expect(() => store.appendLog(sampleEntry(2), 1n)).toThrow(InvariantError);
      expect(store.removeLogEntry(lane, 2)).toBe(true);
      expect(store.removeLogEntry(lane, 2)).toBe(false);
      store.appendLog(sampleEntry(2), 1n);
      store.commit();
      expect(store.readLog(lane, all, 1e9).map((entry) => entry.seq)).toEqual([1, 2, 3]);
    });

    test("a place that was freed is held no more, and its change is not found", () => {
      const store = get();
      append([1, 2].map((n) => sampleEntry(n)));
      const { docId, hash } = sampleEntry(2);
      inTransaction(store, () => store.removeLogEntry(lane, 2));
      expect(store.hasLogEntry(lane, 2)).toBe(false);
      expect(store.hasChange(docId, hash, 1n)).toBe(false);
      expect(store.hasChange(sampleEntry(1).docId, sampleHash(1), 1n)).toBe(true);
      append([sampleEntry(2)]);
      expect(store.hasChange(docId, hash, 1n)).toBe(true);
    });

    test("the last timestamp can be set where nothing explains it", () => {
      const store = get();
      append([1, 2].map((n) => sampleEntry(n)));
      inTransaction(store, () => store.writeLastHlc(mustHlc(5000)));
      expect(store.lastHlc()).toBe(5000);
      append([sampleEntry(3)]);
      expect(store.lastHlc()).toBe(5000);
    });

    test("lanes and their rows are walked in order, page by page", () => {
      const store = get();
      const other = { shard: 3, origin: sampleOrigin(2) };
      append([4, 1, 2].map((n) => sampleEntry(n)));
      append([sampleEntry(9, { ...other, hash: sampleHash(9) })], -3n);
      const first = store.scrub.nextLane(undefined);
      expect(first).toEqual(rawLane);
      const second = store.scrub.nextLane(first);
      expect(second).toEqual({ shard: 3n, origin: BigInt(other.origin) });
      expect(store.scrub.nextLane(second)).toBeUndefined();
      const page = store.scrub.scanLog(rawLane, undefined, 2);
      expect(page.map(({ seq }) => seq)).toEqual([1n, 2n]);
      const rest = store.scrub.scanLog(rawLane, 2n, 2);
      expect(rest.map(({ seq }) => seq)).toEqual([4n]);
      expect(plain(rest[0]?.entry)).toEqual(plain(sampleEntry(4)));
      const [row] = store.scrub.scanLog(must(second, "lane"), undefined, 2);
      expect(row?.element64).toBe(-3n);
    });

    test("an element can be set, and a row removed, by the row's own number", () => {
      const store = get();
      append([1, 2].map((n) => sampleEntry(n)));
      const [one, two] = store.scrub.scanLog(rawLane, undefined, 9);
      const { docId, hash } = sampleEntry(1);
      inTransaction(store, () => {
        store.scrub.writeElement(must(one, "row").applied, INT64_MIN);
        store.scrub.removeLogRow(must(two, "row").applied);
      });
      expect(store.hasChange(docId, hash, 1n)).toBe(false);
      expect(store.hasChange(docId, hash, INT64_MIN)).toBe(true);
      expect(store.readLog(lane, all, 1e9).map((entry) => entry.seq)).toEqual([1]);
    });

    test("entries are numbered in order of application", () => {
      append([7, 3].map((n) => sampleEntry(n)));
      expect(get().lastApplied()).toBe(2);
      append([sampleEntry(1)]);
      expect(get().lastApplied()).toBe(3);
    });

    test("bytes of entries belong to whoever holds them", () => {
      const store = get();
      const entry = sampleEntry(1, { change: digest("x"), containers: [digest("y")] });
      append([entry]);
      entry.change.fill(0);
      entry.containers[0]?.fill(0);
      store.readLog(lane, all, 1e9)[0]?.change.fill(0);
      store.readLog(lane, all, 1e9)[0]?.containers[0]?.fill(0);
      store.findChange(entry.docId, entry.hash, 1n)?.hash.fill(0);
      const [read] = store.readLog(lane, all, 1e9);
      expect(plain(read)).toEqual(
        plain(sampleEntry(1, { change: digest("x"), containers: [digest("y")] })),
      );
    });
  });
}
