/**
 * The copy as it was at a cut: one timestamp per region.
 *
 *     S(cut) = S(now) − Σ element     of all log entries above the cut
 *
 * Two replicas that both hold everything up to the cut can compare what they hold at or below it while
 * writing goes on: a write lies above every cut that was agreed before it, so it changes S(now) and what
 * is subtracted by the same amount. Nothing is held open for that, no snapshot and no long transaction;
 * the answer is the same whenever it is computed, which is what lets whoever answers forget the question.
 */
import type { Cluster, DocId, DocKey, RegionVector, Sum, TreeNode } from "@atoll/core";
import {
  SUM_BYTES,
  accumulate,
  addSums,
  childrenOf,
  docKeyOf,
  elementOf,
  limits,
  missingRegions,
  nodeRange,
  positionOf,
  toHex,
  vectorAt,
} from "@atoll/core";
import type { Store } from "@atoll/store";
import type { DocumentSum, NodeSum } from "@atoll/sync";
import type { Tree } from "./tree.ts";

/** An element that is held and lies above the cut. */
interface Above {
  readonly position: number;
  readonly docId: DocId;
  readonly element: Sum;
}

export class Cut {
  readonly #tree: Tree;
  /** By position. */
  readonly #above: readonly Above[];
  readonly #aboveByDocument = new Map<DocKey, { changes: number; sum: Sum }>();

  /** `above`: everything that is held above the cut, by position. */
  constructor(tree: Tree, above: readonly Above[]) {
    this.#tree = tree;
    this.#above = above;
    for (const { docId, element } of above) {
      const key = docKeyOf(docId);
      const before = this.#aboveByDocument.get(key);
      this.#aboveByDocument.set(key, {
        changes: (before?.changes ?? 0) + 1,
        sum: before === undefined ? element : addSums(before.sum, element),
      });
    }
  }

  /** Everything at or below the cut. */
  get root(): NodeSum {
    const { changes, sum } = this.#tree.root;
    return this.#below({ changes, sum }, 0, Infinity);
  }

  children(node: TreeNode, fanBits: number): NodeSum[] {
    const accounts = this.#tree.children(node, fanBits);
    return childrenOf(node, fanBits).map((child, i) => {
      const { from, to } = nodeRange(child);
      return this.#below(accounts[i] as NodeSum, from, to);
    });
  }

  node(node: TreeNode): NodeSum {
    const { from, to } = nodeRange(node);
    return this.#below(this.#tree.node(node), from, to);
  }

  /** Documents under a node now, whether or not they have changes at the cut. */
  documentCount(node: TreeNode): number {
    return this.#tree.node(node).documents;
  }

  /** Documents under a node that have changes at the cut; undefined when more than `max` lie there. */
  documents(node: TreeNode, max: number): DocumentSum[] | undefined {
    const rows = this.#tree.documents(node, max + 1);
    if (rows.length > max) return undefined;
    const sums: DocumentSum[] = [];
    for (const { docId, position, changeCount, sum } of rows) {
      const above = this.#aboveByDocument.get(docKeyOf(docId));
      const changes = changeCount - (above?.changes ?? 0);
      if (changes === 0) continue;
      const below = new Uint8Array(sum);
      if (above !== undefined) accumulate(below, 0, above.sum, 0, -1);
      sums.push({ docId, position, changes, sum: below });
    }
    return sums;
  }

  /** Of a document's elements, those at or below the cut. */
  below(docId: DocId, elements: readonly Sum[]): Sum[] {
    if (!this.#aboveByDocument.has(docKeyOf(docId))) return [...elements];
    const key = docKeyOf(docId);
    const above = new Set(
      this.#above
        .filter((item) => docKeyOf(item.docId) === key)
        .map(({ element }) => toHex(element)),
    );
    return elements.filter((element) => !above.has(toHex(element)));
  }

  #below(now: NodeSum, from: number, to: number): NodeSum {
    const first = this.#firstAt(from);
    if ((this.#above[first]?.position ?? Infinity) >= to)
      return { changes: now.changes, sum: now.sum };
    let { changes } = now;
    const sum = new Uint8Array(SUM_BYTES);
    sum.set(now.sum);
    for (let i = first; i < this.#above.length; i++) {
      const { position, element } = this.#above[i] as Above;
      if (position >= to) break;
      changes--;
      accumulate(sum, 0, element, 0, -1);
    }
    return { changes, sum };
  }

  /** Index of the first at or after a position. */
  #firstAt(position: number): number {
    let low = 0;
    let high = this.#above.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#above[middle] as Above).position < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Makes cuts, and keeps the last: the questions of one comparison come close together. */
export class Cuts {
  readonly #tree: Tree;
  readonly #store: Store;
  readonly #cluster: Cluster;
  #last: { readonly vector: RegionVector; readonly version: number; readonly cut: Cut } | undefined;

  constructor(rooms: { readonly tree: Tree; readonly store: Store; readonly cluster: Cluster }) {
    this.#tree = rooms.tree;
    this.#store = rooms.store;
    this.#cluster = rooms.cluster;
  }

  /** Undefined when too much lies above the cut to be subtracted. */
  at(vector: RegionVector): Cut | undefined {
    const { version } = this.#tree;
    if (this.#last?.version === version && isSame(this.#last.vector, vector)) return this.#last.cut;
    const above = this.#above(vector);
    if (above === undefined) return undefined;
    const cut = new Cut(this.#tree, above);
    this.#last = { vector, version, cut };
    return cut;
  }

  #above(vector: RegionVector): Above[] | undefined {
    const { keys, regions } = this.#cluster;
    const above: Above[] = [];
    for (const { code } of regions) {
      const room = limits.ANTI_ENTROPY_TAIL_MAX - above.length;
      const rows = this.#store.readTail(code, vectorAt(vector, code), room + 1);
      if (rows.length > room) return undefined;
      for (const { docId, hash } of rows) {
        const element = elementOf(keys, docId, hash);
        above.push({ position: positionOf(keys, docId), docId, element });
      }
    }
    return above.sort((a, b) => a.position - b.position);
  }
}

function isSame(a: RegionVector, b: RegionVector): boolean {
  return a.size === b.size && missingRegions(a, b).length + missingRegions(b, a).length === 0;
}
