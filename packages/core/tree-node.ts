/**
 * Places in the Merkle tree.
 *
 *     depth 0        the root: every position
 *     depth d        a node covers the positions whose first d bits are `index`
 *     depth 52       one position
 *
 * A node is a prefix, not a thing that is stored: a sum over a prefix does not depend on how deep anybody
 * keeps his buckets, so two replicas compare any node at any fan-out, each at its own depth. Shards are
 * the nodes at depth log2(shards).
 */
import { assert } from "./assert.ts";
import { POSITION_BITS } from "./digest.ts";

export interface TreeNode {
  readonly depth: number;
  readonly index: number;
}

export const TREE_ROOT: TreeNode = { depth: 0, index: 0 };

/** The positions under a node, as a half-open range. */
export function nodeRange({ depth, index }: TreeNode): { from: number; to: number } {
  const span = 2 ** (POSITION_BITS - depth);
  return { from: index * span, to: (index + 1) * span };
}

/** The 2^fanBits nodes below, in order of position. */
export function childrenOf({ depth, index }: TreeNode, fanBits: number): TreeNode[] {
  assert(depth + fanBits <= POSITION_BITS, "no nodes below a position");
  const first = index * 2 ** fanBits;
  return Array.from({ length: 2 ** fanBits }, (_, i) => ({
    depth: depth + fanBits,
    index: first + i,
  }));
}

/** For numbers from the wire; undefined when there is no such node. */
export function parseTreeNode(depth: number, index: number): TreeNode | undefined {
  const exists = depth <= POSITION_BITS && index < 2 ** depth;
  return exists ? { depth, index } : undefined;
}
