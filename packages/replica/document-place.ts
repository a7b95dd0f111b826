/**
 * Where a document lies in a cluster, which follows from its id and the cluster's key alone.
 *
 * It costs one digest, which is less than to keep it for the next time: whoever asks about one document again
 * and again, as entries of it come in, keeps it (`intake`); a reader asks once.
 */
import type { Cluster, DocId } from "@atoll/core";
import { positionOf, shardOf } from "@atoll/core";
import type { DocumentPlace } from "@atoll/store";

export function placeIn({ keys, shardCount }: Cluster, docId: DocId): DocumentPlace {
  const position = positionOf(keys, docId);
  return { docId, position, shard: shardOf(position, shardCount) };
}
