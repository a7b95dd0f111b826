/**
 * Which documents two regions hold differently at a cut, found by descending where the sums differ.
 *
 * Cost follows the difference: equal parts of the tree are one number each, and are not looked into.
 */
import type { Cut } from "./common-cut.ts";
import type { TreePlace, TruthClient } from "./truth-client.ts";

export interface DifferentDocument {
  readonly docId: string;
  readonly profileId: string | null;
  /** Changes at the cut in either region; 0 where it is not there. */
  readonly changes: readonly [number, number];
}

export interface MerkleDiff {
  readonly shardCount: number;
  readonly differentShards: readonly number[];
  readonly documents: readonly DifferentDocument[];
  /** False when it ended at the bound. */
  readonly complete: boolean;
}

const FAN_BITS = 3;
const DEPTH_MAX = 52;

type Asking = Pick<TruthClient, "shards" | "node">;

export async function merkleDiff(
  pair: readonly [Asking, Asking],
  cut: Cut,
  { documentsMax }: { readonly documentsMax: number },
): Promise<MerkleDiff> {
  const [a, b] = await Promise.all([pair[0].shards(cut), pair[1].shards(cut)]);
  const shardCount = a.shards.length;
  const differentShards = a.shards.flatMap(({ sum }, shard) =>
    sum === b.shards[shard]?.sum ? [] : [shard],
  );
  const documents: DifferentDocument[] = [];
  const depth = Math.log2(shardCount);
  const left: TreePlace[] = differentShards.map((index) => ({ depth, index }));
  for (let place = left.shift(); place !== undefined; place = left.shift()) {
    if (documents.length >= documentsMax) {
      return { shardCount, differentShards, documents, complete: false };
    }
    const found = await compareNode(pair, cut, place);
    documents.push(...found.documents);
    left.unshift(...found.below);
  }
  return { shardCount, differentShards, documents, complete: true };
}

async function compareNode(
  [a, b]: readonly [Asking, Asking],
  cut: Cut,
  place: TreePlace,
): Promise<{ readonly documents: DifferentDocument[]; readonly below: TreePlace[] }> {
  const fanBits = Math.min(FAN_BITS, DEPTH_MAX - place.depth);
  const [ours, theirs] = await Promise.all([
    a.node(cut, place, fanBits),
    b.node(cut, place, fanBits),
  ]);
  if (ours.documents === null || theirs.documents === null) {
    const below = ours.children.flatMap(({ sum }, i) =>
      sum === theirs.children[i]?.sum
        ? []
        : [{ depth: place.depth + fanBits, index: place.index * 2 ** fanBits + i }],
    );
    return { documents: [], below: fanBits === 0 ? [] : below };
  }
  const byId = new Map(theirs.documents.map((each) => [each.docId, each]));
  const documents: DifferentDocument[] = [];
  for (const { docId, profileId, changes, sum } of ours.documents) {
    const other = byId.get(docId);
    byId.delete(docId);
    if (other?.sum === sum) continue;
    const name = profileId ?? other?.profileId ?? null;
    documents.push({ docId, profileId: name, changes: [changes, other?.changes ?? 0] });
  }
  for (const { docId, profileId, changes } of byId.values()) {
    documents.push({ docId, profileId, changes: [0, changes] });
  }
  return { documents, below: [] };
}
