/**
 * Any history of writes, commits and rollbacks leaves both stores with the same contents.
 *
 * The store in memory is short enough to be believed; this is why SQLite may be believed too.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { InvariantError, LaneFrontier, mustHlc } from "@atoll/core";
import { MemoryStore } from "./memory-store.ts";
import { openSqliteStore } from "./sqlite-store.ts";
import {
  INT64_MAX,
  INT64_MIN,
  plain,
  sampleDocId,
  sampleDocument,
  sampleEntry,
  sampleHash,
  sampleIdentity,
  sampleOrigin,
  sampleQuarantine,
} from "./store-samples.ts";
import type { DocumentPlace, Store } from "./store.ts";

type Operation = (store: Store) => unknown;

// Few of everything, so that histories meet: two documents share a position, some places repeat.
const POSITIONS = [0, 5, 5, 2 ** 52 - 1];
const small = fc.nat({ max: 3 });
const flag = fc.boolean();
const bytes = fc.uint8Array({ maxLength: 12 });
const element64 = fc.constantFrom(INT64_MIN, -1n, 0n, INT64_MAX);

function place(n: number): DocumentPlace {
  return { docId: sampleDocId(n), position: POSITIONS[n] ?? 0, shard: n % 2 };
}

function lane(n: number) {
  return { shard: n % 2, origin: sampleOrigin(n < 2 ? 1 : 2) };
}

const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.constant<Operation>((store) => store.begin()),
  fc.constant<Operation>((store) => store.commit()),
  fc.constant<Operation>((store) => {
    store.commit();
    store.begin();
  }),
  fc.constant<Operation>((store) => {
    store.rollback();
    store.begin();
  }),
  small.map<Operation>((n) => (store) => store.writeIdentity(sampleIdentity(n))),
  fc
    .record({ n: small, dirty: flag, quarantined: flag, named: flag, view: fc.string() })
    .map<Operation>(({ n, named, view, ...flags }) => (store) => {
      const names = named ? { view } : { view: undefined, profileId: undefined };
      store.writeDocument(sampleDocument(n, { ...place(n), ...flags, ...names }));
    }),
  fc
    .record({ n: small, base: fc.option(bytes, { nil: undefined }), tail: bytes, changes: small })
    .map<Operation>(({ n, base, tail, changes }) => (store) => {
      store.writeBody(place(n), { base, tail, tailChanges: changes });
    }),
  fc
    .record({ n: small, chunk: bytes, changes: small })
    .map<Operation>(({ n, chunk, changes }) => (store) => {
      store.appendTail(place(n), chunk, changes);
    }),
  fc
    .record({ n: small, seq: fc.nat({ max: 4 }), element64, hlc: small, change: bytes })
    .map<Operation>(({ n, seq, element64, hlc, change }) => (store) => {
      const containers = hlc === 0 ? [] : [change];
      const parts = { ...lane(n), docId: sampleDocId(n), seq, hlc: mustHlc(hlc), containers };
      store.appendLog(sampleEntry(n, { ...parts, change }), element64);
    }),
  fc
    .record({ n: small, contig: small, gap: flag })
    .map<Operation>(({ n, contig, gap }) => (store) => {
      const gaps = gap ? [{ lo: contig + 1, hi: contig + 2 }] : [];
      store.writeFrontier(lane(n), new LaneFrontier(contig, contig + (gap ? 3 : 0), gaps));
    }),
  fc.record({ shard: small, bucket: small, documents: small }).map<Operation>((row) => (store) => {
    store.writeBucket({ ...row, changes: row.documents, sum: sampleHash(row.documents) });
  }),
  fc.record({ n: small, seq: small, doc: small }).map<Operation>(({ n, seq, doc }) => (store) => {
    const entry = sampleEntry(n, { ...lane(n), seq: seq + 1, docId: sampleDocId(doc) });
    store.addPending({ entry, missing: sampleHash(doc) });
  }),
  fc.record({ n: small, seq: small }).map<Operation>(({ n, seq }) => (store) => {
    store.removePending(lane(n), seq + 1);
  }),
  small.map<Operation>((n) => (store) => store.addQuarantine(sampleQuarantine(n))),
  fc.nat({ max: 8 }).map<Operation>((id) => (store) => store.removeQuarantine(id)),
);

test("any history of writes, commits and rollbacks reads the same from both stores", () => {
  fc.assert(
    fc.property(fc.array(operation, { minLength: 8, maxLength: 40 }), (history) => {
      const memory = new MemoryStore();
      const disk = openSqliteStore({ path: ":memory:" });
      try {
        // An open transaction to start with: most writes outside one are only refused.
        memory.begin();
        disk.begin();
        for (const [i, step] of history.entries()) {
          expect(outcome(step, disk)).toEqual(outcome(step, memory));
          if (i % 8 === 7) expect(readEverything(disk)).toEqual(readEverything(memory));
        }
        expect(readEverything(disk)).toEqual(readEverything(memory));
        memory.rollback();
        disk.rollback();
        expect(readEverything(disk)).toEqual(readEverything(memory));
      } finally {
        disk.close();
      }
    }),
    { numRuns: 300 },
  );
});

function outcome(step: Operation, store: Store): unknown {
  try {
    return { result: plain(step(store)) };
  } catch (error) {
    if (error instanceof InvariantError) return "refused";
    throw error;
  }
}

function readEverything(store: Store): unknown {
  const samples = [0, 1, 2, 3];
  const elements = [INT64_MIN, -1n, 0n, INT64_MAX];
  return plain({
    inTransaction: store.inTransaction,
    identity: store.readIdentity(),
    documents: samples.map((n) => store.readDocument(place(n))),
    shown: samples.map((n) => store.readShown(place(n))),
    bodies: samples.map((n) => store.readBody(place(n))),
    dirty: [1, 9].map((limit) => store.dirtyDocuments(limit)),
    longTails: [0, 2, 6].map((bound) => store.longTails(bound, bound * 3, 3)),
    pages: samples.map((n) =>
      store.listDocuments({ from: n, to: 2 ** 52, after: place(n), limit: 2 }),
    ),
    logs: samples.map((n) => store.readLog(lane(n), { lo: n, hi: 9 }, n * 110)),
    held: samples.map((n) => samples.map((seq) => store.hasLogEntry(lane(n), seq))),
    found: samples.map((n) =>
      elements.map((element) => store.findChange(sampleDocId(n), sampleHash(n), element)?.seq),
    ),
    hasChange: samples.map((n) => store.hasChange(sampleDocId(n), sampleHash(n), -1n)),
    ofDocument: samples.map((n) => store.readLogOfDocument(place(n))),
    last: [store.lastHlc(), store.lastApplied()],
    frontier: store.readFrontier(),
    buckets: store.readBuckets(),
    pending: samples.map((n) => store.pendingOf(sampleDocId(n))),
    waiting: store.pendingDocuments(),
    waits: samples.map((n) => store.hasPending(lane(n), n + 1)),
    counts: [store.countPending(), store.countQuarantine()],
    quarantine: [1, 99].map((limit) => store.listQuarantine(limit)),
  });
}
