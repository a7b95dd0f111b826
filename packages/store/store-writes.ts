/**
 * Every way to write to a store and every way to read it, for tests that must leave none out: rollback,
 * crash and refusal are true of all of them or of nothing.
 */
import type { RegionCode } from "@atoll/core";
import { DEFAULT_TENANT, HLC_ZERO, LaneFrontier, mustHlc } from "@atoll/core";
import type { Store } from "./store.ts";
import {
  plain,
  sampleAnswer,
  sampleBucket,
  sampleDocument,
  sampleEntry,
  sampleHash,
  sampleIdentity,
  sampleOrigin,
  samplePlace,
  sampleQuarantine,
} from "./store-samples.ts";

/** Runs `work` in a transaction of its own. */
export function inTransaction<T>(store: Store, work: () => T): T {
  store.begin();
  const result = work();
  store.commit();
  return result;
}

/** Every kind of write once, all about sample `n`. */
export const WRITES: Readonly<Record<string, (store: Store, n: number) => void>> = {
  writeIdentity: (store, n) => store.writeIdentity(sampleIdentity(n)),
  writeDocument: (store, n) => store.writeDocument(sampleDocument(n, { dirty: true })),
  writeBody: (store, n) => {
    store.writeDocument(sampleDocument(n));
    store.writeBody(samplePlace(n), {
      base: new Uint8Array([n, 0]),
      tail: new Uint8Array([n]),
      tailChanges: 1,
    });
  },
  appendTail: (store, n) => {
    store.writeDocument(sampleDocument(n));
    store.appendTail(samplePlace(n), new Uint8Array([n, 0, 255]), 1);
  },
  appendLog: (store, n) =>
    store.appendLog(sampleEntry(store.lastApplied() + 1, { docId: samplePlace(n).docId }), 5n),
  appendVoid: (store, n) => {
    const { docId } = samplePlace(n);
    const place = { ...sampleEntry(1), seq: 100 + store.lastApplied() };
    store.appendVoid(place, { docId, hlc: sampleEntry(1).hlc });
  },
  removeLogEntry: (store) => {
    const seq = 1000 + 2 * store.lastApplied();
    for (const n of [seq, seq + 1]) store.appendLog(sampleEntry(n), 5n);
    store.removeLogEntry(sampleEntry(1), seq);
  },
  trimLog: (store) => {
    const first = sampleEntry(1).seq + 10_000 + 3 * store.lastApplied();
    const lane = { shard: 3, origin: sampleOrigin(4) };
    for (const seq of [first, first + 1, first + 2]) {
      store.appendLog({ ...sampleEntry(seq), ...lane, seq }, 5n);
    }
    store.trimLog(lane, first + 1);
  },
  nextEpoch: (store) => store.nextEpoch(),
  writeTrimmed: (store, n) => store.writeTrimmed({ shard: n, origin: sampleOrigin(1) }, 7 + n),
  clearTrimmed: (store, n) => {
    store.clearTrimmed();
    store.writeTrimmed({ shard: n, origin: sampleOrigin(2) }, 1 + n);
  },
  writeHorizon: (store, n) =>
    store.writeHorizon(new Map([[(1 + n) as RegionCode, mustHlc(3_000 + n)]])),
  writeLastHlc: (store, n) => store.writeLastHlc(mustHlc(2 ** 51 + n + store.lastApplied())),
  writeFrontier: (store, n) =>
    store.writeFrontier(
      { shard: n, origin: sampleOrigin(1) },
      new LaneFrontier(n, n + 3, [{ lo: n + 1, hi: n + 2 }]),
    ),
  writeBucket: (store, n) => store.writeBucket({ ...sampleBucket(n), shard: n }),
  clearBuckets: (store, n) => {
    store.clearBuckets(n - 1);
    store.writeBucket({ ...sampleBucket(n), shard: n });
  },
  clearCoverage: (store, n) => {
    store.clearCoverage();
    store.writeCoverage(new Map([[(1 + n) as RegionCode, mustHlc(2_000 + n)]]));
  },
  writeCoverage: (store, n) =>
    store.writeCoverage(new Map([[(1 + n) as RegionCode, mustHlc(1_000 + n)]])),
  addPending: (store, n) => store.addPending({ entry: sampleEntry(n), missing: sampleHash(n + 1) }),
  removePending: (store) => store.removePending(sampleEntry(1), 1),
  keepAnswer: (store, n) => store.keepAnswer(sampleAnswer(n)),
  forgetAnswers: (store, n) => {
    store.keepAnswer(sampleAnswer(n));
    store.forgetAnswers(sampleAnswer(n).atMs, 1);
  },
  addQuarantine: (store, n) => {
    store.addQuarantine(sampleQuarantine(n));
  },
  updateQuarantine: (store, n) => {
    const id = store.listQuarantine(1)[0]?.id ?? 1;
    store.updateQuarantine({ id, atMs: n, reason: `again ${n}`, bytes: Uint8Array.of(n, n) });
  },
  removeQuarantine: (store) => {
    store.removeQuarantine(store.listQuarantine(1)[0]?.id ?? 1);
  },
};

/** Everything that can be read about samples 0 … 9. */
export function readAll(store: Store) {
  const places = Array.from({ length: 10 }, (_, n) => samplePlace(n));
  const lanes = [0, 1].map((shard) => ({ shard, origin: sampleOrigin(1) }));
  return {
    identity: plain(store.readIdentity()),
    documents: plain(places.map((place) => store.readDocument(place))),
    bodies: plain(places.map((place) => store.readBody(place))),
    listed: plain(store.listDocuments({ from: 0, to: 2 ** 52, limit: 100 })),
    sums: plain(store.listSums({ from: 0, to: 2 ** 52, limit: 100 })),
    dirty: plain(store.dirtyDocuments(100)),
    longTails: plain(store.longTails(0, 0, 100)),
    waitingTails: plain(store.waitingTails(100)),
    log: plain(lanes.map((lane) => store.readLog(lane, { lo: 1, hi: 2 ** 53 - 1 }, 1e9))),
    logs: plain(places.map((place) => store.readLogOfDocument(place))),
    changes: places.map(({ docId }, n) => store.hasChange(docId, sampleHash(n), 5n)),
    elements: plain(store.findElement(5n, 10)),
    tails: plain([1, 2].map((code) => store.readTail(code as RegionCode, HLC_ZERO, 100))),
    epoch: store.readEpoch(),
    applied: plain(store.readApplied(0, 100)),
    lastHlc: store.lastHlc(),
    trimmed: plain(store.readTrimmed()),
    horizon: plain(store.readHorizon()),
    logRows: store.logSize().rows,
    oldest: [1, 2, 5].map((code) => store.oldestHlc(code as RegionCode)),
    lastApplied: store.lastApplied(),
    frontier: plain(store.readFrontier()),
    buckets: plain(store.readBuckets()),
    coverage: plain(store.readCoverage()),
    pending: plain(places.map(({ docId }) => store.pendingOf(docId))),
    pendingDocuments: plain(store.pendingDocuments()),
    pendingCount: store.countPending(),
    quarantine: plain(store.listQuarantine(100)),
    summaries: plain(store.summarizeQuarantine(100)),
    quarantineCount: store.countQuarantine(),
    answers: plain(places.map((_place, n) => store.readAnswer(sampleAnswer(n).key))),
    answerCount: store.countAnswers(),
    profiles: plain(store.listProfiles({ tenant: DEFAULT_TENANT, order: "id", limit: 100 })),
    updated: plain(
      store.listProfiles({ tenant: DEFAULT_TENANT, order: "updated", since: HLC_ZERO, limit: 100 }),
    ),
  };
}
