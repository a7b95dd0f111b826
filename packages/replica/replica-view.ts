/**
 * The replica as replication sees it: `SyncView`, satisfied by shape.
 */
import type { ChangeHash, Clock, DocId, Lane, LogEntry, SeqRange, Sum } from "@atoll/core";
import { elementOf, errorText, low64 } from "@atoll/core";
import type { Log } from "@atoll/core";
import { DocumentError } from "@atoll/profile";
import type { SyncView, Transport } from "@atoll/sync";
import { documentsOf } from "./shard-count.ts";
import type { Replica } from "./replica.ts";

export function syncViewOf(
  replica: Replica,
  {
    clock,
    transport,
    log,
  }: { readonly clock: Clock; readonly transport: Transport; readonly log: Log },
): SyncView {
  const { cluster, store, ledger } = replica;
  return {
    cluster,
    region: replica.region,
    get origin() {
      return replica.origin;
    },
    genesisHash: replica.codec.genesisHash,
    frontier: ledger.frontier,
    stamp: () => replica.stamp(),
    missing: (lane: Lane, upTo: number): SeqRange[] => ledger.missing(lane, upTo, clock.nowMs()),
    readLog: (lane: Lane, range: SeqRange, bytesMax: number): LogEntry[] =>
      store.readLog(lane, range, bytesMax),
    root: (): Sum => ledger.root,
    shardSum: (shard: number): Sum => ledger.shard(shard).sum,
    shardDocuments: (shard: number) =>
      [...documentsOf(replica, shard)].map(({ docId, sum }) => ({ docId, sum64: low64(sum) })),
    changesOf(docId: DocId): ChangeHash[] {
      const place = replica.placeOf(docId);
      if (store.readDocument(place) === undefined) return [];
      try {
        return replica.documents.open(place).changeHashes();
      } catch (error) {
        if (!(error instanceof DocumentError)) throw error;
        log.error("document-does-not-open", { reason: errorText(error) });
        return [];
      }
    },
    findChange: (docId: DocId, hash: ChangeHash): LogEntry | undefined =>
      store.findChange(docId, hash, low64(elementOf(cluster.keys, docId, hash))),
    backlogBytes: (link: number): number => transport.backlogBytes(link),
  };
}
