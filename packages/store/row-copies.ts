/**
 * Rows as values: copies that share no bytes with what they were made from.
 *
 * The store in memory passes every row through here on the way in and on the way out. Without it, a
 * caller who reuses a buffer would rewrite history, in tests only, where nobody would look for it.
 * SQLite copies by nature.
 */
import type { LogEntry } from "@atoll/core";
import { mustChangeHash, mustDocId } from "@atoll/core";
import type {
  BucketRow,
  DocumentBody,
  DocumentRow,
  KeptAnswer,
  PendingEntry,
  QuarantineRecord,
  ShownDocument,
  StoredIdentity,
} from "./store.ts";

/** Not `slice`, which for a Buffer is a view. */
function copyBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

export function copyIdentity(identity: StoredIdentity): StoredIdentity {
  return {
    ...identity,
    genesisHash: copyBytes(identity.genesisHash),
    actor: copyBytes(identity.actor),
  };
}

export function copyDocument(row: DocumentRow): DocumentRow {
  return {
    ...row,
    docId: mustDocId(copyBytes(row.docId)),
    heads: copyBytes(row.heads),
    sum: copyBytes(row.sum),
    dep: new Map(row.dep),
  };
}

export function copyShown(row: DocumentRow): ShownDocument {
  const { deleted, quarantined, dirty, createdHlc, updatedHlc, conflicts, view } = row;
  return {
    ...{ deleted, quarantined, dirty, createdHlc, updatedHlc, conflicts, view },
    heads: copyBytes(row.heads),
    dep: new Map(row.dep),
  };
}

export function copyBody({ base, tail, tailChanges }: DocumentBody): DocumentBody {
  return { base: base && copyBytes(base), tail: copyBytes(tail), tailChanges };
}

export function copyEntry(entry: LogEntry): LogEntry {
  return {
    ...entry,
    docId: mustDocId(copyBytes(entry.docId)),
    hash: mustChangeHash(copyBytes(entry.hash)),
    dep: new Map(entry.dep),
    change: copyBytes(entry.change),
    containers: entry.containers.map(copyBytes),
  };
}

export function copyBucket(row: BucketRow): BucketRow {
  return { ...row, sum: copyBytes(row.sum) };
}

export function copyPending({ entry, missing }: PendingEntry): PendingEntry {
  return { entry: copyEntry(entry), missing: mustChangeHash(copyBytes(missing)) };
}

export function copyRecord(record: QuarantineRecord): QuarantineRecord {
  return {
    ...record,
    lane: record.lane && { ...record.lane },
    docId: mustDocId(copyBytes(record.docId)),
    hash: record.hash && mustChangeHash(copyBytes(record.hash)),
    bytes: copyBytes(record.bytes),
  };
}

export function copyAnswer({ key, fingerprint, ...rest }: KeptAnswer): KeptAnswer {
  return { ...rest, key: new Uint8Array(key), fingerprint: new Uint8Array(fingerprint) };
}
