// A store as a copy of its file would be: what a restored backup or a cloned disk looks like.
import { LaneFrontier, must } from "@atoll/core";
import type { LogScan, Store, StoredIdentity } from "@atoll/store";
import { MemoryStore } from "@atoll/store";

/** The store as it is now, as a copy of its file would be. */
export function copyOf(store: Store, changes: Partial<StoredIdentity> = {}): Store {
  const copy = new MemoryStore();
  copy.begin();
  const identity = must(store.readIdentity(), "identity");
  copy.writeIdentity({ ...identity, ...changes });
  for (const row of store.listDocuments({ from: 0, to: 2 ** 52, limit: 1e6 })) {
    copy.writeDocument(must(store.readDocument(row), "row"));
    const body = store.readBody(row);
    if (body !== undefined) copy.writeBody(row, body);
  }
  const log: LogScan[] = [];
  for (let lane = store.scrub.nextLane(undefined); lane; lane = store.scrub.nextLane(lane)) {
    log.push(...store.scrub.scanLog(lane, undefined, 1e6));
  }
  for (const { entry, element64 } of log.sort((a, b) => Number(a.applied - b.applied))) {
    if (entry !== undefined) copy.appendLog(entry, element64);
  }
  for (const row of store.readFrontier()) {
    copy.writeFrontier(row, new LaneFrontier(row.contig, row.max, row.gaps));
  }
  for (const row of store.readBuckets()) copy.writeBucket(row);
  copy.writeCoverage(store.readCoverage());
  copy.writeHorizon(must(store.readHorizon(), "horizon"));
  for (const row of store.readTrimmed()) if (row !== undefined) copy.writeTrimmed(row, row.through);
  for (const docId of store.pendingDocuments()) {
    for (const pending of store.pendingOf(docId)) copy.addPending(pending);
  }
  copy.commit();
  return copy;
}
