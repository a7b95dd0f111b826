/**
 * A shard counted from its document rows: what its buckets must say.
 */
import type { Cluster } from "@atoll/core";
import { shardRange } from "@atoll/core";
import type { DocumentRow, Store } from "@atoll/store";
import type { Ledger } from "./ledger.ts";

const PAGE = 1_000;

export interface Counted {
  readonly cluster: Cluster;
  readonly store: Store;
}

/** Makes the buckets of a shard what its document rows say. True when they were not; writes nothing. */
export function recountShard(
  { cluster, store, ledger }: Counted & { readonly ledger: Ledger },
  shard: number,
): boolean {
  const documents = [...documentsOf({ cluster, store }, shard)].map((row) => ({
    docId: row.docId,
    position: row.position,
    shard: row.shard,
    documents: 1,
    changes: row.changeCount,
    sum: row.sum,
  }));
  return ledger.recountShard(shard, documents);
}

export function* documentsOf({ cluster, store }: Counted, shard: number): Generator<DocumentRow> {
  const { from, to } = shardRange(shard, cluster.shardCount);
  let after: DocumentRow | undefined;
  for (;;) {
    const rows = store.listDocuments({
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
