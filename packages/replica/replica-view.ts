/**
 * The replica as replication sees it: `SyncView`, satisfied by shape.
 */
import type { Clock, Lane, Log, LogEntry, RegionVector, SeqRange, Sum } from "@atoll/core";
import {
  elementOf,
  errorText,
  missingRegions,
  originRegion,
  positionOf,
  toHex,
  vectorAt,
} from "@atoll/core";
import { DocumentError } from "@atoll/profile";
import type { Announcement, CutView, DocumentSum, SyncView, Transport } from "@atoll/sync";
import type { Cut } from "./cut.ts";
import { Cuts } from "./cut.ts";
import { isStorageFault } from "./group-commit.ts";
import { changesOf } from "./placeless.ts";
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
    staged: () => replica.group.lanes(),
    get waiting() {
      return replica.waitingRoom.size;
    },
    stamp: () => replica.stamp(),
    recall: (announced) => replica.recall(announced),
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
      if (missingRegions(vector, ledger.horizon).length > 0) return undefined;
      const cut = cuts.at(vector);
      return cut && viewOf(cut, replica, log);
    },
    horizon: (): RegionVector => ledger.horizon,
    changesAt: (position, elements) => changesAt(replica, position, elements, log),
    lanesAt: (cut, isNews) => lanesAt(replica, cut, isNews),
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

/** Two documents at one position are a surprise; both are asked. */
function changesAt(
  replica: Replica,
  position: number,
  elements: ReadonlySet<bigint>,
  log: Log,
): LogEntry[] {
  const range = { from: position, to: position + 1, limit: SAME_ELEMENT_MAX };
  return replica.store.listSums(range).flatMap(({ docId }) => {
    try {
      return changesOf(replica, replica.placeOf(docId), elements);
    } catch (error) {
      if (!(error instanceof DocumentError)) throw error;
      log.error("document-does-not-open", { docId: toHex(docId), reason: errorText(error) });
      return [];
    }
  });
}

/**
 * Of each lane the highest number up to which all is held and lies at or below the cut, which is not below
 * the horizon. Timestamps rise along a lane, so the first row above the cut is found by halving; where there
 * is no row, the change lies at or below the horizon.
 */
function lanesAt(
  { ledger, store }: Replica,
  cut: RegionVector,
  isNews: (lane: Lane, contig: number) => boolean,
): Announcement[] {
  const lanes: Announcement[] = [];
  for (const [lane, { contig }] of ledger.frontier.lanes()) {
    if (contig === 0 || !isNews(lane, contig)) continue;
    const raw = { shard: BigInt(lane.shard), origin: BigInt(lane.origin) };
    const upTo = vectorAt(cut, originRegion(lane.origin));
    /** The first row at or behind a number, if it is held and lies above the cut. */
    const above = (seq: number): number | undefined => {
      const [row] = store.scrub.scanLog(raw, BigInt(seq - 1), 1);
      if (row === undefined || row.seq > BigInt(contig)) return undefined;
      const isBelow = row.entry !== undefined && row.entry.hlc <= upTo; // a damaged one may be anywhere
      return isBelow ? undefined : Number(row.seq);
    };
    let [low, high] = [1, contig + 1]; // nothing is above in front of `low`; at `high` something is
    let first = above(contig);
    if (first === undefined) low = high;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const found = above(middle);
      if (found === undefined) low = middle + 1;
      else {
        first = found;
        high = middle;
      }
    }
    const reach = first === undefined ? contig : first - 1;
    if (reach > 0) lanes.push({ ...lane, contig: reach });
  }
  return lanes;
}
