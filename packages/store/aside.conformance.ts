/** What every store must do with entries that are set aside. */
import { describe, expect, test } from "vitest";
import { InvariantError } from "@atoll/core";
import type { Store } from "./store.ts";
import { inTransaction } from "./store-writes.ts";
import {
  digest,
  plain,
  sampleDocId,
  sampleEntry,
  sampleHash,
  sampleOrigin,
  sampleQuarantine,
} from "./store-samples.ts";

export function asideConformance(get: () => Store): void {
  describe("pending entries", () => {
    test("an entry waits under its document until it is removed", () => {
      const store = get();
      const pending = {
        entry: sampleEntry(1, { containers: [digest("container")] }),
        missing: sampleHash(2),
      };
      inTransaction(store, () => store.addPending(pending));
      expect(plain(store.pendingOf(sampleDocId(1)))).toEqual(plain([pending]));
      expect(store.pendingOf(sampleDocId(2))).toEqual([]);
      expect(store.hasPending(pending.entry, 1)).toBe(true);
      expect(store.hasPending(pending.entry, 2)).toBe(false);
      expect(store.hasPending({ shard: 1, origin: sampleOrigin(1) }, 1)).toBe(false);
      expect(store.countPending()).toBe(1);
      inTransaction(store, () => store.removePending(pending.entry, 1));
      expect(store.countPending()).toBe(0);
      expect(store.pendingOf(sampleDocId(1))).toEqual([]);
    });

    test("the same place set aside again replaces what was there, also under another document", () => {
      const store = get();
      const first = { entry: sampleEntry(1), missing: sampleHash(2) };
      const second = { entry: sampleEntry(1, { docId: sampleDocId(5) }), missing: sampleHash(3) };
      inTransaction(store, () => {
        store.addPending(first);
        store.addPending(second);
      });
      expect(store.pendingOf(sampleDocId(1))).toEqual([]);
      expect(plain(store.pendingOf(sampleDocId(5)))).toEqual(plain([second]));
      expect(store.countPending()).toBe(1);
    });

    test("a document's pending entries come by shard, origin and seq", () => {
      const store = get();
      const docId = sampleDocId(1);
      const entries = [
        sampleEntry(10, { docId, shard: 2 }),
        sampleEntry(9, { docId, shard: 2 }),
        sampleEntry(3, { docId, origin: sampleOrigin(2) }),
        sampleEntry(11, { docId }),
      ];
      inTransaction(store, () =>
        entries.forEach((entry) => store.addPending({ entry, missing: sampleHash(0) })),
      );
      const order = store.pendingOf(docId).map(({ entry }) => [entry.shard, entry.seq]);
      expect(order).toEqual([
        [0, 11],
        [0, 3],
        [2, 9],
        [2, 10],
      ]);
    });

    test("documents that entries wait for come once each, by id, and go with their last entry", () => {
      const store = get();
      const entries = [sampleEntry(1), sampleEntry(2), sampleEntry(3, { docId: sampleDocId(1) })];
      inTransaction(store, () =>
        entries.forEach((entry) => store.addPending({ entry, missing: sampleHash(0) })),
      );
      const both = [sampleDocId(1), sampleDocId(2)].sort((a, b) => Buffer.compare(a, b));
      expect(plain(store.pendingDocuments())).toEqual(plain(both));
      inTransaction(store, () => store.removePending(sampleEntry(1), 1));
      expect(plain(store.pendingDocuments())).toEqual(plain(both));
      inTransaction(store, () => store.removePending(sampleEntry(3), 3));
      expect(plain(store.pendingDocuments())).toEqual(plain([sampleDocId(2)]));
    });

    test("removing what is not there is harmless", () => {
      const store = get();
      inTransaction(store, () => store.removePending(sampleEntry(1), 1));
      expect(store.countPending()).toBe(0);
    });
  });

  describe("quarantine, for an operator", () => {
    test("is summed up without its bytes, read one by one, and given a new reason", () => {
      const store = get();
      const { id } = inTransaction(store, () => store.addQuarantine(sampleQuarantine(1)));
      const { bytes, ...head } = sampleQuarantine(1);
      expect(plain(store.summarizeQuarantine(9))).toEqual([
        plain({ ...head, id, size: bytes.length }),
      ]);
      expect(plain(store.readQuarantine(id))).toEqual(plain({ ...sampleQuarantine(1), id }));
      expect(store.readQuarantine(id + 1)).toBeUndefined();
      const update = { id, atMs: 5, reason: "still bad", bytes: digest("other") };
      expect(inTransaction(store, () => store.updateQuarantine(update))).toBe(true);
      expect(plain(store.readQuarantine(id))).toEqual(plain({ ...sampleQuarantine(1), ...update }));
      expect(inTransaction(store, () => store.updateQuarantine({ ...update, id: 9 }))).toBe(false);
    });

    test("pending entries and records are walked page by page and removed by row", () => {
      const store = get();
      inTransaction(store, () => {
        for (const n of [1, 2, 3]) {
          store.addPending({ entry: sampleEntry(n), missing: sampleHash(0) });
          store.addQuarantine(sampleQuarantine(n));
        }
      });
      const [first, second] = store.scrub.scanPending(undefined, 2);
      expect(first?.pending?.entry.seq).toBe(1);
      expect(store.scrub.scanPending(second?.row, 9)).toHaveLength(1);
      const [record] = store.scrub.scanQuarantine(undefined, 1);
      expect(store.scrub.scanQuarantine(record?.row, 9)).toHaveLength(2);
      inTransaction(store, () => {
        store.scrub.removePendingRow(first?.row ?? 0n);
        store.scrub.removeQuarantineRow(record?.row ?? 0n);
      });
      expect(store.countPending()).toBe(2);
      expect(store.hasPending(sampleEntry(1), 1)).toBe(false);
      expect(store.readQuarantine(1)).toBeUndefined();
    });
  });

  describe("quarantine", () => {
    test("a record reads back as it was written, with every optional part there or not", () => {
      const store = get();
      const bare = {
        ...sampleQuarantine(2),
        fromRegion: undefined,
        lane: undefined,
        seq: undefined,
        hash: undefined,
        bytes: new Uint8Array(0),
      };
      const [a, b] = inTransaction(store, () => [
        store.addQuarantine(sampleQuarantine(1)),
        store.addQuarantine(bare),
      ]);
      expect(plain(a)).toEqual(plain({ ...sampleQuarantine(1), id: a?.id }));
      const [newest, oldest] = store.listQuarantine(10);
      expect(plain(oldest)).toEqual(plain(a));
      expect(plain(newest)).toEqual(plain(b));
    });

    test("records are listed newest first, up to the limit", () => {
      const store = get();
      inTransaction(store, () => {
        for (let n = 0; n < 12; n++) store.addQuarantine(sampleQuarantine(n));
      });
      const times = store.listQuarantine(3).map((record) => record.atMs - 1_700_000_000_000);
      expect(times).toEqual([11, 10, 9]);
      expect(store.countQuarantine()).toBe(12);
      expect(store.listQuarantine(0)).toEqual([]);
    });

    test("an id is never given twice, not even after its record was removed", () => {
      const store = get();
      const first = inTransaction(store, () => store.addQuarantine(sampleQuarantine(1)));
      expect(inTransaction(store, () => store.removeQuarantine(first.id))).toBe(true);
      expect(inTransaction(store, () => store.removeQuarantine(first.id))).toBe(false);
      const second = inTransaction(store, () => store.addQuarantine(sampleQuarantine(1)));
      expect(second.id).toBeGreaterThan(first.id);
    });

    test("ids that cannot exist are not found", () => {
      const store = get();
      inTransaction(store, () => store.addQuarantine(sampleQuarantine(1)));
      for (const id of [0, -1, 1.5, 2 ** 53, NaN]) {
        expect(inTransaction(store, () => store.removeQuarantine(id))).toBe(false);
      }
      expect(store.countQuarantine()).toBe(1);
    });

    test("a reason that quotes what is not Unicode is kept, mended", () => {
      const store = get();
      const record = { ...sampleQuarantine(1), reason: "bad text: \ud800" };
      const added = inTransaction(store, () => store.addQuarantine(record));
      expect(added.reason).toBe("bad text: \ufffd");
      expect(store.listQuarantine(1)[0]?.reason).toBe("bad text: \ufffd");
    });

    test("a record that could not be shown is refused", () => {
      const store = get();
      store.begin();
      const bad = { ...sampleQuarantine(1), atMs: NaN };
      expect(() => store.addQuarantine(bad)).toThrow(InvariantError);
      store.rollback();
    });
  });
}
