/**
 * How a place in the log is VOID: an entry with no change and no name.
 *
 * The place stays used, so that numbers are dense and a lane's frontier can pass it, and since nothing
 * has such a name, no look-up by change ever finds it.
 */
import type { DocId, Hlc, Lane, LogEntry } from "@atoll/core";
import { mustChangeHash } from "@atoll/core";

export function voidEntry(
  { shard, origin, seq }: Lane & { readonly seq: number },
  { docId, hlc }: { readonly docId: DocId; readonly hlc: Hlc },
): LogEntry {
  const hash = mustChangeHash(new Uint8Array(32));
  const nothing = { dep: new Map(), change: new Uint8Array(), containers: [] };
  return { shard, origin, seq, hlc, docId, hash, ...nothing };
}

export function isVoid({ change }: Pick<LogEntry, "change">): boolean {
  return change.length === 0;
}
