/**
 * What every store must do, run against each of them: the contract of `store.ts` as tests.
 *
 * The parts stand by noun beside this file. Each test gets a fresh store; a part that asks for the
 * contents after a rollback compares everything that can be read (`readAll`), not only what it wrote.
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { RegionCode } from "@atoll/core";
import { HLC_ZERO, InvariantError, LaneFrontier, mustHlc } from "@atoll/core";
import type { Store } from "./store.ts";
import { answersConformance } from "./answers.conformance.ts";
import { asideConformance } from "./aside.conformance.ts";
import { documentsConformance } from "./documents.conformance.ts";
import { listingConformance } from "./listing.conformance.ts";
import { logConformance } from "./log.conformance.ts";
import {
  plain,
  sampleBucket,
  sampleDocument,
  sampleEntry,
  sampleHash,
  sampleIdentity,
  sampleOrigin,
  samplePlace,
  sampleQuarantine,
} from "./store-samples.ts";
import { WRITES, inTransaction, readAll } from "./store-writes.ts";

export function storeConformance(name: string, open: () => Store): void {
  describe(name, () => {
    let store: Store;
    beforeEach(() => {
      store = open();
    });
    afterEach(() => store.close());
    const get = (): Store => store;
    transactionsConformance(get);
    standingConformance(get);
    documentsConformance(get);
    logConformance(get);
    asideConformance(get);
    answersConformance(get);
    listingConformance(get);
  });
}

function transactionsConformance(get: () => Store): void {
  describe("transactions", () => {
    test("a new store is empty", () => {
      const store = get();
      const all = readAll(store);
      expect(all.identity).toBeUndefined();
      expect(all.lastHlc).toBe(HLC_ZERO);
      expect(all.lastApplied).toBe(0);
      expect(all.documents).toEqual(Array(10).fill(undefined));
      for (const rows of [all.listed, all.dirty, all.frontier, all.buckets, all.quarantine]) {
        expect(rows).toEqual([]);
      }
    });

    test.each(Object.keys(WRITES))("%s outside a transaction is a broken invariant", (kind) => {
      const store = get();
      const before = readAll(store);
      expect(() => WRITES[kind]?.(store, 1)).toThrow(InvariantError);
      expect(readAll(store)).toEqual(before);
    });

    test.each(Object.keys(WRITES))("%s is seen at once and gone after rollback", (kind) => {
      const store = get();
      inTransaction(store, () => {
        for (const write of Object.values(WRITES)) write(store, 2);
        store.addPending({ entry: sampleEntry(1), missing: sampleHash(2) });
        store.addQuarantine(sampleQuarantine(9));
      });
      const before = readAll(store);
      store.begin();
      // Twice: once over the row that is there, once as a new one.
      WRITES[kind]?.(store, 2);
      WRITES[kind]?.(store, 3);
      expect(readAll(store)).not.toEqual(before);
      store.rollback();
      expect(readAll(store)).toEqual(before);
    });

    test("what was committed stays when the next transaction is rolled back", () => {
      const store = get();
      inTransaction(store, () => store.writeDocument(sampleDocument(1)));
      store.begin();
      store.writeDocument(sampleDocument(1, { conflicts: 7 }));
      store.writeDocument(sampleDocument(1, { conflicts: 8 }));
      store.rollback();
      expect(plain(store.readDocument(samplePlace(1)))).toEqual(plain(sampleDocument(1)));
    });

    test("inTransaction tells whether one is open", () => {
      const store = get();
      expect(store.inTransaction).toBe(false);
      store.begin();
      expect(store.inTransaction).toBe(true);
      store.commit();
      expect(store.inTransaction).toBe(false);
      store.begin();
      store.rollback();
      expect(store.inTransaction).toBe(false);
    });

    test("transactions do not nest", () => {
      const store = get();
      store.begin();
      expect(() => store.begin()).toThrow(InvariantError);
      store.rollback();
    });

    test("commit needs an open transaction, rollback does not", () => {
      const store = get();
      expect(() => store.commit()).toThrow(InvariantError);
      store.rollback();
      store.rollback();
    });

    test("an empty transaction commits", () => {
      inTransaction(get(), () => undefined);
    });

    test("closing twice is closing once, also with a transaction open", () => {
      const store = get();
      store.begin();
      store.writeDocument(sampleDocument(1));
      store.close();
      store.close();
      expect(store.inTransaction).toBe(false);
    });

    test("after close every use but close and rollback is a broken invariant", () => {
      const store = get();
      store.close();
      const uses: (() => unknown)[] = [
        () => store.begin(),
        () => store.commit(),
        () => store.readIdentity(),
        () => store.readDocument(samplePlace(1)),
        () => store.listDocuments({ from: 0, to: 1, limit: 1 }),
        () => store.readLog(sampleEntry(1), { lo: 1, hi: 1 }, 1),
        () => store.lastHlc(),
        () => store.countPending(),
        () => store.sizeBytes(),
        ...Object.values(WRITES).map((write) => () => write(store, 1)),
      ];
      for (const use of uses) expect(use).toThrow(InvariantError);
      store.rollback();
    });
  });
}

function standingConformance(get: () => Store): void {
  describe("identity, frontier and buckets", () => {
    test("a database has one identity, the last that was written", () => {
      const store = get();
      inTransaction(store, () => store.writeIdentity(sampleIdentity(1)));
      expect(plain(store.readIdentity())).toEqual(plain(sampleIdentity(1)));
      const stopped = { ...sampleIdentity(2), cleanStop: true };
      inTransaction(store, () => store.writeIdentity(stopped));
      expect(plain(store.readIdentity())).toEqual(plain(stopped));
    });

    test("a frontier keeps its gaps, and loses those that were filled", () => {
      const store = get();
      const lane = { shard: 255, origin: sampleOrigin(62) };
      const gaps = [
        { lo: 5, hi: 5 },
        { lo: 7, hi: 2 ** 50 },
      ];
      const holed = new LaneFrontier(4, 2 ** 50 + 1, gaps);
      inTransaction(store, () => store.writeFrontier(lane, holed));
      expect(store.readFrontier()).toEqual([{ ...lane, contig: 4, max: 2 ** 50 + 1, gaps }]);
      inTransaction(store, () => store.writeFrontier(lane, new LaneFrontier(9)));
      expect(store.readFrontier()).toEqual([{ ...lane, contig: 9, max: 9, gaps: [] }]);
    });

    test("a frontier that is changed afterwards does not change what is stored", () => {
      const store = get();
      const lane = { shard: 1, origin: sampleOrigin(1) };
      const frontier = new LaneFrontier(1, 4, [{ lo: 2, hi: 3 }]);
      inTransaction(store, () => store.writeFrontier(lane, frontier));
      frontier.add(2);
      expect(store.readFrontier()[0]?.gaps).toEqual([{ lo: 2, hi: 3 }]);
    });

    test("frontiers come by shard, then origin; buckets by shard, then bucket", () => {
      const store = get();
      inTransaction(store, () => {
        for (const shard of [10, 9, 255, 0]) {
          for (const n of [3, 1]) {
            store.writeFrontier({ shard, origin: sampleOrigin(n) }, new LaneFrontier(n));
            store.writeBucket(sampleBucket(n, shard));
          }
        }
      });
      const shards = [0, 0, 9, 9, 10, 10, 255, 255];
      expect(store.readFrontier().map((row) => row.shard)).toEqual(shards);
      expect(store.readFrontier().map((row) => row.contig)).toEqual([1, 3, 1, 3, 1, 3, 1, 3]);
      expect(store.readBuckets().map((row) => row.shard)).toEqual(shards);
      expect(store.readBuckets().map((row) => row.bucket)).toEqual([1, 3, 1, 3, 1, 3, 1, 3]);
    });

    test("the buckets of a shard are cleared, and no other's", () => {
      const store = get();
      const fill = (shard: number) => [1, 2].map((n) => store.writeBucket(sampleBucket(n, shard)));
      inTransaction(store, () => [0, 1, 2].map(fill));
      inTransaction(store, () => store.clearBuckets(1));
      expect(store.readBuckets().map(({ shard }) => shard)).toEqual([0, 0, 2, 2]);
      inTransaction(store, () => fill(1));
      expect(store.readBuckets()).toHaveLength(6);
    });

    test("coverage reads back, and regions that are not named keep theirs", () => {
      const store = get();
      const cover = (...regions: [number, number][]) =>
        inTransaction(store, () =>
          store.writeCoverage(
            new Map(regions.map(([code, hlc]) => [code as RegionCode, mustHlc(hlc)])),
          ),
        );
      expect(store.readCoverage()).toEqual(new Map());
      cover([63, 2 ** 52 - 1], [1, 5]);
      cover([1, 7], [2, 0]);
      const expected = [
        [1, 7],
        [2, 0],
        [63, 2 ** 52 - 1],
      ];
      expect([...store.readCoverage()]).toEqual(expected);
    });

    test("a bucket is replaced as a whole", () => {
      const store = get();
      inTransaction(store, () => store.writeBucket(sampleBucket(1)));
      const next = { ...sampleBucket(2), bucket: 1 };
      inTransaction(store, () => store.writeBucket(next));
      expect(plain(store.readBuckets())).toEqual(plain([next]));
    });
  });
}
