/** What every store must do with documents and their bodies. */
import { describe, expect, test } from "vitest";
import { InvariantError, LaneFrontier, hlcFromMs, limits, mustDocId } from "@atoll/core";
import type { Hlc, ProfileId, RegionCode } from "@atoll/core";
import type { DocumentRow, Store, WaitingTail } from "./store.ts";
import { inTransaction } from "./store-writes.ts";
import {
  POSITION_MAX,
  digest,
  plain,
  sampleBucket,
  sampleDocument,
  sampleOrigin,
  samplePlace,
} from "./store-samples.ts";

export function documentsConformance(get: () => Store): void {
  describe("documents", () => {
    test("a row reads back as it was written, with every optional part there or not", () => {
      const store = get();
      const rows = [
        sampleDocument(1),
        sampleDocument(2, { profileId: undefined, view: undefined, dirty: true }),
        sampleDocument(3, { deleted: true, quarantined: true, heads: new Uint8Array(0) }),
        sampleDocument(4, { dep: new Map(), conflicts: 3, view: "" }),
        sampleDocument(5, { heads: new Uint8Array(64), view: `"${"x".repeat(300_000)}"` }),
        sampleDocument(6, { profileId: `A${"z".repeat(127)}` as ProfileId }),
      ];
      inTransaction(store, () => rows.forEach((row) => store.writeDocument(row)));
      for (const row of rows) expect(plain(store.readDocument(row))).toEqual(plain(row));
    });

    test("what readers are shown of a row is of that row, written, staged, undone or not there", () => {
      const store = get();
      const first = [
        sampleDocument(1),
        sampleDocument(2, { profileId: undefined, view: undefined, dirty: true }),
        sampleDocument(3, { deleted: true, quarantined: true, heads: new Uint8Array(0) }),
        sampleDocument(4, { dep: new Map(), conflicts: 3, view: "", heads: new Uint8Array(64) }),
      ];
      const isShown = (row: DocumentRow): void => {
        const { deleted, quarantined, dirty, heads, dep, createdHlc, updatedHlc } = row;
        const { conflicts, view } = row;
        expect(plain(store.readShown(row))).toStrictEqual(
          plain({
            deleted,
            quarantined,
            dirty,
            heads,
            dep,
            createdHlc,
            updatedHlc,
            conflicts,
            view,
          }),
        );
      };
      inTransaction(store, () => first.forEach((row) => store.writeDocument(row)));
      first.forEach(isShown);
      expect(store.readShown(samplePlace(5))).toBeUndefined();
      const next = sampleDocument(1, {
        view: '{"later":1}',
        heads: digest("later"),
        deleted: true,
      });
      store.begin();
      store.writeDocument(next);
      isShown(next);
      expect(store.readShown(samplePlace(5))).toBeUndefined();
      store.rollback();
      first.forEach(isShown);
    });

    test("documents at one position are told apart by their ids", () => {
      const store = get();
      const [a, b] = [7, 8].map((n) => sampleDocument(n, { position: 42, shard: 0 }));
      if (a === undefined || b === undefined) throw new Error("two samples");
      inTransaction(store, () => {
        store.writeDocument(a);
        store.writeDocument(b);
        store.appendTail(a, new Uint8Array([1]), 1);
      });
      expect(plain(store.readDocument(a))).toEqual(plain(a));
      expect(plain(store.readDocument(b))).toEqual(plain(b));
      expect(store.readBody(b)).toBeUndefined();
      expect(store.readDocument({ ...a, position: 43 })).toBeUndefined();
      expect(store.readDocument(samplePlace(9, 42))).toBeUndefined();
    });

    test("writing a row again replaces it and its view, and leaves the body alone", () => {
      const store = get();
      const body = { base: digest("base"), tail: digest("tail"), tailChanges: 2 };
      inTransaction(store, () => {
        store.writeDocument(sampleDocument(1));
        store.writeBody(samplePlace(1), body);
      });
      const next = sampleDocument(1, { view: undefined, dirty: true, changeCount: 9 });
      inTransaction(store, () => store.writeDocument(next));
      expect(plain(store.readDocument(samplePlace(1)))).toEqual(plain(next));
      expect(plain(store.readBody(samplePlace(1)))).toEqual(plain(body));
    });

    test("sums are listed as documents are, and agree with them", () => {
      const store = get();
      const rows = [1, 2, 3, 4, 5].map((n) => sampleDocument(n));
      inTransaction(store, () => rows.forEach((row) => store.writeDocument(row)));
      const ranges = [
        { from: 0, to: 2 ** 52, limit: 10 },
        { from: 2000, to: 4000, limit: 10 },
        { from: 0, to: 2 ** 52, after: samplePlace(2), limit: 2 },
        { from: 3000, to: 3000, limit: 10 },
      ];
      for (const range of ranges) {
        const sums = store
          .listDocuments(range)
          .map(({ docId, position, changeCount, sum }) => ({ docId, position, changeCount, sum }));
        expect(plain(store.listSums(range))).toEqual(plain(sums));
      }
      expect(store.listSums({ from: 2000, to: 4000, limit: 10 })).toHaveLength(2);
    });

    test("a document has no body until one is written, and then possibly an empty one", () => {
      const store = get();
      inTransaction(store, () => store.writeDocument(sampleDocument(1)));
      expect(store.readBody(samplePlace(1))).toBeUndefined();
      const empty = { base: undefined, tail: new Uint8Array(0), tailChanges: 0 };
      inTransaction(store, () => store.writeBody(samplePlace(1), empty));
      expect(plain(store.readBody(samplePlace(1)))).toEqual(plain(empty));
    });

    test("a base that is empty, replaced or taken away reads back so", () => {
      const store = get();
      inTransaction(store, () => store.writeDocument(sampleDocument(1)));
      for (const base of [new Uint8Array(0), digest("a"), digest("b"), undefined, digest("c")]) {
        const body = { base, tail: new Uint8Array(0), tailChanges: 0 };
        inTransaction(store, () => store.writeBody(samplePlace(1), body));
        expect(plain(store.readBody(samplePlace(1)))).toEqual(plain(body));
      }
    });

    test("appending makes an empty body first, then grows the tail byte for byte", () => {
      const store = get();
      const chunks = [
        new Uint8Array([0, 255, 0]),
        new Uint8Array(0),
        new Uint8Array([0x27, 0xc3, 0x28, 0]), // a quote and what is not UTF-8
        new Uint8Array(9_000).fill(0xfe),
      ];
      inTransaction(store, () => {
        store.writeDocument(sampleDocument(1));
        for (const chunk of chunks) store.appendTail(samplePlace(1), chunk, 2);
      });
      expect(plain(store.readBody(samplePlace(1)))).toEqual(
        plain({
          base: undefined,
          tail: Buffer.concat(chunks),
          tailChanges: 8,
        }),
      );
    });

    test("appending keeps the base", () => {
      const store = get();
      const base = digest("base");
      inTransaction(store, () => {
        store.writeDocument(sampleDocument(1));
        store.writeBody(samplePlace(1), { base, tail: new Uint8Array([1]), tailChanges: 1 });
        store.appendTail(samplePlace(1), new Uint8Array([2]), 1);
      });
      expect(plain(store.readBody(samplePlace(1)))).toEqual(
        plain({
          base: base,
          tail: new Uint8Array([1, 2]),
          tailChanges: 2,
        }),
      );
    });

    test("a body without its document row is a broken invariant", () => {
      const store = get();
      const body = { base: undefined, tail: new Uint8Array(1), tailChanges: 1 };
      store.begin();
      expect(() => store.writeBody(samplePlace(1), body)).toThrow(InvariantError);
      expect(() => store.appendTail(samplePlace(1), body.tail, 1)).toThrow(InvariantError);
      store.commit();
      expect(store.readBody(samplePlace(1))).toBeUndefined();
    });

    test("rows that no replica could have made are refused and change nothing", () => {
      const store = get();
      const bad = [
        sampleDocument(1, { position: POSITION_MAX + 1 }),
        sampleDocument(1, { position: -1 }),
        sampleDocument(1, { position: 0.5 }),
        sampleDocument(1, { docId: new Uint8Array(15) as never }),
        sampleDocument(1, { heads: new Uint8Array(33) }),
        sampleDocument(1, { sum: new Uint8Array(31) }),
        sampleDocument(1, { changeCount: -1 }),
        sampleDocument(1, { updatedHlc: (2 ** 52) as never }),
        sampleDocument(1, { view: '"\ud800"' }),
      ];
      store.begin();
      for (const row of bad) expect(() => store.writeDocument(row)).toThrow(InvariantError);
      store.commit();
      expect(store.listDocuments({ from: 0, to: 2 ** 52, limit: 10 })).toEqual([]);
    });

    test("one id at two positions, as damage may leave it, is two documents, also before the commit", () => {
      const store = get();
      const { docId, position, shard } = samplePlace(1);
      const other = { docId, position: position + 1, shard };
      store.begin();
      store.writeDocument(sampleDocument(1, { conflicts: 1 }));
      store.writeDocument(sampleDocument(1, { ...other, conflicts: 2 }));
      store.appendTail(samplePlace(1), new Uint8Array([1]), 1);
      const read = () =>
        [samplePlace(1), other].map((place) => store.readDocument(place)?.conflicts);
      expect(read()).toEqual([1, 2]);
      store.commit();
      expect(read()).toEqual([1, 2]);
      expect(store.readBody(samplePlace(1))?.tailChanges).toBe(1);
      expect(store.readBody(other)).toBeUndefined();
    });

    test("bytes belong to whoever holds them: changing them changes nothing stored", () => {
      const store = get();
      const place = { ...samplePlace(1), docId: mustDocId(samplePlace(1).docId.slice()) };
      const row = sampleDocument(1, { docId: mustDocId(samplePlace(1).docId.slice()) });
      const tail = new Uint8Array([1, 2]);
      inTransaction(store, () => {
        store.writeDocument(row);
        store.writeBody(place, { base: undefined, tail, tailChanges: 1 });
      });
      row.heads.fill(0);
      row.docId.fill(0);
      (row.dep as Map<RegionCode, Hlc>).clear();
      tail.fill(0);
      const read = store.readDocument(place);
      read?.sum.fill(0);
      read?.docId.fill(0);
      store.readBody(place)?.tail.fill(9);
      expect(plain(store.readDocument(samplePlace(1)))).toEqual(plain(sampleDocument(1)));
      expect(plain(store.readBody(samplePlace(1))?.tail)).toBe("bytes 0102");
    });
  });

  describe("listings", () => {
    test("a shard's bounds are half open and the first and last position belong somewhere", () => {
      const store = get();
      const positions = [0, 99, 100, 199, 200, POSITION_MAX];
      inTransaction(store, () =>
        positions.forEach((position, n) => store.writeDocument(sampleDocument(n, { position }))),
      );
      const list = (from: number, to: number) =>
        store.listDocuments({ from, to, limit: 10 }).map((row) => row.position);
      expect(list(0, 100)).toEqual([0, 99]);
      expect(list(100, 200)).toEqual([100, 199]);
      expect(list(200, 2 ** 52)).toEqual([200, POSITION_MAX]);
      expect(list(100, 100)).toEqual([]);
      expect(list(POSITION_MAX, 2 ** 52)).toEqual([POSITION_MAX]);
    });

    test("pages follow each other without loss or repetition, also inside one position", () => {
      const store = get();
      const rows = Array.from({ length: 12 }, (_, n) =>
        sampleDocument(n, { position: 10 * Math.floor(n / 5), shard: 0, view: undefined }),
      );
      inTransaction(store, () => rows.forEach((row) => store.writeDocument(row)));
      const sorted = rows.sort(
        (a, b) => a.position - b.position || Buffer.compare(a.docId, b.docId),
      );
      const seen = [];
      for (let after = undefined; ; after = seen.at(-1)) {
        const page = store.listDocuments({ from: 0, to: 100, after, limit: 5 });
        if (page.length === 0) break;
        expect(page.length).toBeLessThanOrEqual(5);
        seen.push(...page);
      }
      expect(plain(seen)).toEqual(plain(sorted));
    });

    test("`after` need not exist, and one before the range does not widen it", () => {
      const store = get();
      inTransaction(store, () => [1, 2, 3].forEach((n) => store.writeDocument(sampleDocument(n))));
      const list = (after: number) =>
        store
          .listDocuments({ from: 2000, to: 9000, after: samplePlace(50, after), limit: 10 })
          .map((row) => row.position);
      expect(list(5)).toEqual([2000, 3000]);
      expect(list(2500)).toEqual([3000]);
      expect(list(9999)).toEqual([]);
    });

    test("a listing leaves views out, and a limit of 0 everything", () => {
      const store = get();
      inTransaction(store, () => store.writeDocument(sampleDocument(1)));
      const [row] = store.listDocuments({ from: 0, to: 2 ** 52, limit: 1 });
      expect(plain(row)).toEqual(plain(sampleDocument(1, { view: undefined })));
      expect(store.listDocuments({ from: 0, to: 2 ** 52, limit: 0 })).toEqual([]);
    });

    test("dirty documents are those not in quarantine, by position, up to the limit", () => {
      const store = get();
      inTransaction(store, () => {
        for (const n of [5, 3, 4]) store.writeDocument(sampleDocument(n, { dirty: true }));
        store.writeDocument(sampleDocument(1, { dirty: true, quarantined: true }));
        store.writeDocument(sampleDocument(2));
      });
      expect(plain(store.dirtyDocuments(10))).toEqual(plain([3, 4, 5].map((n) => samplePlace(n))));
      expect(plain(store.dirtyDocuments(2))).toEqual(plain([3, 4].map((n) => samplePlace(n))));
      inTransaction(store, () => store.writeDocument(sampleDocument(3)));
      expect(plain(store.dirtyDocuments(10))).toEqual(plain([4, 5].map((n) => samplePlace(n))));
    });

    test.each([
      ["small bounds", 2, 4],
      ["the bounds of upkeep", limits.TAIL_CHANGES_MAX, limits.TAIL_BYTES_MAX],
    ])("long tails are longer than either bound (%s)", (_, changes, bytes) => {
      const store = get();
      const put = (n: number, tailChanges: number, tailBytes: number, quarantined = false) => {
        store.writeDocument(sampleDocument(n, { quarantined }));
        store.appendTail(samplePlace(n), new Uint8Array(tailBytes), tailChanges);
      };
      inTransaction(store, () => {
        put(1, changes, bytes);
        put(2, changes + 1, 0);
        put(3, 0, bytes + 1);
        put(4, changes + 1, bytes + 1, true);
        put(5, changes + 1, bytes + 1);
      });
      const long = (limit: number) => store.longTails(changes, bytes, limit);
      expect(plain(long(10))).toEqual(plain([2, 3, 5].map((n) => samplePlace(n))));
      expect(plain(long(1))).toEqual(plain([samplePlace(2)]));
      const folded = { base: digest("base"), tail: new Uint8Array(0), tailChanges: 0 };
      inTransaction(store, () => store.writeBody(samplePlace(2), folded));
      expect(plain(long(10))).toEqual(plain([3, 5].map((n) => samplePlace(n))));
    });

    test("tails that wait for rest come with the time of their last write, oldest first", () => {
      const store = get();
      const { TAIL_REST_CHANGES_MAX: changes, TAIL_REST_BYTES_MAX: bytes } = limits;
      const put = (n: number, updatedMs: number, tail: [changes: number, bytes: number]) => {
        const updatedHlc = hlcFromMs(Date.UTC(2026, 0, 1) + updatedMs);
        store.writeDocument(sampleDocument(n, { updatedHlc, quarantined: n === 6 }));
        store.appendTail(samplePlace(n), new Uint8Array(tail[1]), tail[0]);
        return { ...samplePlace(n), updatedHlc };
      };
      const waiting: WaitingTail[] = [];
      inTransaction(store, () => {
        put(1, 0, [changes, bytes]);
        waiting.push(put(5, 10, [changes + 1, 0]), put(4, 20, [0, bytes + 1]));
        waiting.push(put(2, 30, [changes + 1, bytes + 1]), put(3, 30, [changes + 1, 0]));
        put(6, 5, [changes + 1, 0]);
      });
      expect(plain(store.waitingTails(10))).toEqual(plain(waiting));
      expect(plain(store.waitingTails(2))).toEqual(plain(waiting.slice(0, 2)));
      const folded = { base: digest("base"), tail: new Uint8Array(0), tailChanges: 0 };
      inTransaction(store, () => {
        store.writeBody(samplePlace(5), folded);
        waiting.splice(1, 1, put(4, 40, [1, 1]));
      });
      waiting.splice(0, 2);
      expect(plain(store.waitingTails(10))).toEqual(
        plain([
          ...waiting,
          { ...samplePlace(4), updatedHlc: hlcFromMs(Date.UTC(2026, 0, 1) + 40) },
        ]),
      );
    });

    test("a body that is written anew keeps its view, and every other document its own", () => {
      const store = get();
      const read = (n: number) =>
        plain([store.readDocument(samplePlace(n)), store.readBody(samplePlace(n))]);
      const base = digest("base");
      inTransaction(store, () => {
        for (const n of [1, 2, 3]) {
          store.writeDocument(sampleDocument(n, { view: `"${n}"` }));
          store.appendTail(samplePlace(n), Uint8Array.of(n), 1);
        }
      });
      const others = [read(1), read(3)];
      for (const round of [1, 2]) {
        const body = {
          base: round === 1 ? base : undefined,
          tail: Uint8Array.of(9),
          tailChanges: 1,
        };
        inTransaction(store, () => store.writeBody(samplePlace(2), body));
        expect(read(2)).toEqual(plain([sampleDocument(2, { view: '"2"' }), body]));
        expect([read(1), read(3)]).toEqual(others);
      }
      inTransaction(store, () => store.scrub.removeOrphans());
      expect(store.readBody(samplePlace(2))).toBeDefined();
    });

    test("rows and bodies are walked together, page by page, and a row can be taken away", () => {
      const store = get();
      const rows = [1, 2, 3].map((n) => sampleDocument(n));
      inTransaction(store, () => {
        for (const row of rows) store.writeDocument(row);
        store.appendTail(samplePlace(1), Uint8Array.of(1, 2), 1);
        store.writeBody(samplePlace(2), { base: digest("b"), tail: digest("t"), tailChanges: 4 });
      });
      const [first, second] = store.scrub.scanDocuments(undefined, 2);
      expect(plain(first?.row)).toEqual(plain(rows[0]));
      expect(plain(first?.body)).toEqual(
        plain({ base: undefined, tail: Uint8Array.of(1, 2), tailChanges: 1 }),
      );
      expect(plain(second?.body)).toEqual(plain(store.readBody(samplePlace(2))));
      expect(second?.isTailMeasured).toBe(true);
      const [third, ...others] = store.scrub.scanDocuments(second?.key, 9);
      expect(plain(third?.row)).toEqual(plain(rows[2]));
      expect(third?.body).toBeUndefined();
      expect(others).toEqual([]);
      inTransaction(store, () => {
        if (second !== undefined) store.scrub.removeDocumentRow(second.key);
        store.scrub.removeOrphans();
      });
      expect(store.readDocument(samplePlace(2))).toBeUndefined();
      expect(store.readBody(samplePlace(2))).toBeUndefined();
      inTransaction(store, () => store.writeDocument(sampleDocument(2)));
      expect(store.readBody(samplePlace(2))).toBeUndefined(); // not the one it had
      expect(store.readBody(samplePlace(1))).toBeDefined();
    });

    test("a frontier or a tree that is cleared can be written anew", () => {
      const store = get();
      inTransaction(store, () => {
        store.writeFrontier({ shard: 1, origin: sampleOrigin(1) }, new LaneFrontier(3));
        store.writeBucket(sampleBucket(1));
        store.scrub.clearFrontier();
        store.scrub.clearBuckets();
        store.writeBucket(sampleBucket(2));
      });
      expect(store.readFrontier()).toEqual([]);
      expect(plain(store.readBuckets())).toEqual(plain([sampleBucket(2)]));
    });

    test("the engine finds nothing wrong with a sound file", async () => {
      expect(await get().scrub.checkFile()).toEqual([]);
    });
  });
}
