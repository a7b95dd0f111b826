/**
 * Repairing the account from the documents themselves.
 *
 * Asked for by anti-entropy where names agree and sums do not. The document's own changes are counted
 * again, then the shard's buckets from its document rows; whatever was wrong is set right and reported,
 * because a sum that drifts is a fault somebody should look for.
 */
import type { DocId, Log } from "@atoll/core";
import { SUM_ZERO, addSums, elementOf, errorText, sumsEqual, toHex } from "@atoll/core";
import type { DocumentRow } from "@atoll/store";
import type { Replica } from "./replica.ts";
import { recountShard } from "./shard-count.ts";

/** Needs an open group. Returns true when anything was wrong. */
export function recount(
  replica: Replica,
  { shard, docIds }: { readonly shard: number; readonly docIds: readonly DocId[] },
  log: Log,
): boolean {
  let wrong = false;
  for (const docId of docIds) {
    const row = replica.store.readDocument(replica.placeOf(docId));
    if (row !== undefined && recountDocument(replica, row, log)) wrong = true;
  }
  if (recountShard(replica, shard)) {
    wrong = true;
    log.warn("shard-recounted", { shard });
  }
  return wrong;
}

function recountDocument(replica: Replica, row: DocumentRow, log: Log): boolean {
  replica.documents.drop(row); // count what is stored, not what was in memory
  let hashes;
  try {
    hashes = replica.documents.open(row).changeHashes();
  } catch (error) {
    log.error("document-not-countable", { docId: toHex(row.docId), reason: errorText(error) });
    return false;
  }
  let sum = SUM_ZERO;
  for (const hash of hashes) sum = addSums(sum, elementOf(replica.cluster.keys, row.docId, hash));
  if (sumsEqual(sum, row.sum) && hashes.length === row.changeCount) return false;
  log.warn("document-recounted", {
    docId: toHex(row.docId),
    was: row.changeCount,
    is: hashes.length,
  });
  replica.store.writeDocument({ ...row, sum, changeCount: hashes.length });
  replica.ledger.account(row, {
    documents: 0,
    changes: hashes.length - row.changeCount,
    before: row.sum,
    after: sum,
  });
  return true;
}
