/**
 * The replica as replication sees it: `SyncView`, satisfied by shape.
 */
import type { Clock, Lane, Log, LogEntry, RegionVector, SeqRange, Sum } from "@atoll/core";
import { elementOf, errorText, positionOf, toHex } from "@atoll/core";
import { DocumentError } from "@atoll/profile";
import type { CutView, DocumentSum, SyncView, Transport } from "@atoll/sync";
import type { Cut } from "./cut.ts";
import { Cuts } from "./cut.ts";
import { isStorageFault } from "./group-commit.ts";
import type { Replica } from "./replica.ts";

/** Entries that share 64 bits of their element by chance: one is already a surprise. */
const SAME_ELEMENT_MAX = 8;

export function syncViewOf(
  replica: Replica,
  {
    clock,
    transport,
    log,
  }: { readonly clock: Clock; readonly transport: Transport; readonly log: Log },
): SyncView {
  const { cluster, store, ledger } = replica;
  const cuts = new Cuts({ tree: ledger.tree, store, cluster });
  return {
    cluster,
    region: replica.region,
    get origin() {
      return replica.origin;
    },
    genesisHash: replica.codec.genesisHash,
    frontier: ledger.frontier,
    get waiting() {
      return replica.waitingRoom.size;
    },
    stamp: () => replica.stamp(),
    missing: (lane: Lane, upTo: number): SeqRange[] =>
      ledger.missing(lane, upTo, clock.monotonicMs()),
    readLog: (lane: Lane, range: SeqRange, bytesMax: number): LogEntry[] => {
      try {
        return store.readLog(lane, range, bytesMax);
      } catch (error) {
        if (!isStorageFault(error) || store.inTransaction) throw error; // the group is lost
        log.error("log-unreadable", { ...lane, ...range, reason: error.message });
        return []; // the peer is told that it is not here, and asks another
      }
    },
    cut(vector: RegionVector): CutView | undefined {
      const cut = cuts.at(vector);
      return cut && viewOf(cut, replica, log);
    },
    findElement: (element64: bigint): LogEntry[] => store.findElement(element64, SAME_ELEMENT_MAX),
    positionOf: ({ docId }: LogEntry): number => positionOf(cluster.keys, docId),
    coverage: (): RegionVector => ledger.coverage,
    backlogBytes: (link: number): number => transport.backlogBytes(link),
  };
}

function viewOf(cut: Cut, replica: Replica, log: Log): CutView {
  return {
    root: cut.root,
    node: (node) => cut.node(node),
    children: (node, fanBits) => cut.children(node, fanBits),
    documentCount: (node) => cut.documentCount(node),
    documents: (node, max) => cut.documents(node, max),
    elements({ docId }: DocumentSum): Sum[] {
      try {
        const hashes = replica.documents.open(replica.placeOf(docId)).changeHashes();
        const { keys } = replica.cluster;
        return cut.below(
          docId,
          hashes.map((hash) => elementOf(keys, docId, hash)),
        );
      } catch (error) {
        if (!(error instanceof DocumentError)) throw error;
        log.error("document-does-not-open", { docId: toHex(docId), reason: errorText(error) });
        return [];
      }
    },
  };
}
