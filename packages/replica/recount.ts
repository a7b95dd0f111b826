/**
 * Repairing the account from the documents themselves.
 *
 * Asked for by anti-entropy where names agree and sums do not. The document's own changes are counted
 * again, then the shard's buckets from its document rows; whatever was wrong is set right and reported,
 * because a sum that drifts is a fault somebody should look for.
 */
import type { DocId, Log } from "@atoll/core";
import { SUM_ZERO, addSums, elementOf, errorText, shardRange, sumsEqual, toHex } from "@atoll/core";
import type { DocumentRow } from "@atoll/store";
import type { Replica } from "./replica.ts";

const PAGE = 1_000;

type Counted = Pick<Replica, "store" | "cluster" | "ledger">;

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

/** Makes the buckets of a shard what its document rows say. True when they were not; writes nothing. */
export function recountShard(replica: Counted, shard: number): boolean {
  const documents = [...documentsOf(replica, shard)].map((row) => ({
    docId: row.docId,
    position: row.position,
    shard: row.shard,
    documents: 1,
    changes: row.changeCount,
    sum: row.sum,
  }));
  return replica.ledger.recountShard(shard, documents);
}

export function* documentsOf(
  replica: Pick<Replica, "store" | "cluster">,
  shard: number,
): Generator<DocumentRow> {
  const { from, to } = shardRange(shard, replica.cluster.shardCount);
  let after: DocumentRow | undefined;
  for (;;) {
    const rows = replica.store.listDocuments({
      from,
      to,
      limit: PAGE,
      ...(after === undefined ? {} : { after }),
    });
    yield* rows;
    after = rows.at(-1);
    if (rows.length < PAGE) return;
  }
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
