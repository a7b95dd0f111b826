/**
 * From two roots that differ to the changes that one side lacks.
 *
 *     node      differs ──▶ by one change?   its element is the difference: look it up, send or ask
 *                       ──▶ few documents?   list them                    ──▶ document
 *                       ──▶ otherwise        divide it, as finely as the difference in counts says
 *     document  differs ──▶ by one change?   as above
 *                       ──▶ otherwise        list its changes, send and ask
 *
 * One side asks, and it alone remembers; the other answers each question from its copy at the same cut.
 * Questions of one level travel together, so that the whole costs a round trip per level. Sums subtract:
 * where one change is missing, the difference of two digests is the digest of that change, and finding it
 * in the log takes one look-up instead of the rest of the descent. Where the log has it no more, the
 * descent goes on to the document, which is asked by its position.
 *
 * Nothing that the peer says is believed: an answer can make us send what we hold or ask for what it
 * claims to hold, never delete, and all of it is bounded.
 */
import type { LogEntry, RegionVector, TreeNode } from "@atoll/core";
import { POSITION_BITS, TREE_ROOT, childrenOf, limits, nodeRange } from "@atoll/core";
import { digestOf, documentDigest, documentsAt, elementsAt, recountNode } from "./comparison.ts";
import type { SyncEffect } from "./effects.ts";
import type {
  CompareChanges,
  CompareDocuments,
  CompareNodes,
  ComparisonMessage,
  DocumentDigest,
  NodeDigest,
  Wanted,
} from "./messages.ts";
import type { CutView, NodeSum, SyncView } from "./sync-view.ts";

interface Division {
  readonly node: TreeNode;
  readonly fanBits: number;
}

interface Want {
  /** Low 64 bits of the element. */
  readonly element: bigint;
  /** What to divide if the peer does not hold it; undefined when it was listed by name. */
  readonly node: TreeNode | undefined;
  /** Where its document lies, if that is known: it can be found there when no log has it. */
  readonly position: number | undefined;
}

/** A question under way: what it was about, and how many digests its answer may bring. */
type Open = { readonly weight: number } & (
  | { readonly kind: "nodes"; readonly divisions: readonly Division[] }
  | { readonly kind: "documents"; readonly nodes: readonly TreeNode[] }
  | { readonly kind: "changes"; readonly positions: readonly number[] }
  | { readonly kind: "wants"; readonly wants: readonly Want[] }
);

/** Depth at which a node is listed in any case: beyond it there is hardly a second document. */
const DEPTH_MAX = POSITION_BITS - limits.ANTI_ENTROPY_FAN_BITS_MIN - 1;
/** Expected differences per child: at 0.6, most children that differ do so by one change. */
const LOAD = 0.6;

export class Descent {
  readonly cut: RegionVector;
  readonly #view: SyncView;
  readonly #wide: boolean;
  readonly #union: boolean;
  readonly #nextId: () => number;
  readonly #open = new Map<number, Open>();
  #divisions: Division[] = [];
  #lists: TreeNode[] = [];
  #positions: number[] = [];
  #wants: Want[] = [];
  /** Elements asked for, and those asked for at their position. */
  #wanted = new Set<string>();
  #found: LogEntry[] = [];
  #repairs = 0;
  #recounted = false;

  constructor(options: {
    readonly view: SyncView;
    readonly cut: RegionVector;
    /** Compare 256 bits: the roots differ, and 64 bits did not show where. */
    readonly wide: boolean;
    /** The cut is what either side covers. */
    readonly union?: boolean;
    readonly nextId: () => number;
  }) {
    this.#view = options.view;
    this.cut = options.cut;
    this.#wide = options.wide;
    this.#union = options.union === true;
    this.#nextId = options.nextId;
  }

  /** Nothing is left to ask. */
  get isDone(): boolean {
    return this.#open.size === 0 && this.#todo === 0;
  }

  /** Changes sent and asked for so far. */
  get repairs(): number {
    return this.#repairs;
  }

  /** Something was wrong, whether it was found or not. */
  get foundAny(): boolean {
    return this.#repairs > 0 || this.#recounted;
  }

  get #todo(): number {
    return (
      this.#divisions.length + this.#lists.length + this.#positions.length + this.#wants.length
    );
  }

  /** Begins with the children of the root, as the peer has them. */
  begin(group: readonly NodeDigest[], cut: CutView): void {
    const fanBits = Math.log2(group.length);
    const isPower = Number.isInteger(fanBits) && fanBits <= limits.ANTI_ENTROPY_FAN_BITS_MAX;
    if (isPower) this.#children(cut, { node: TREE_ROOT, fanBits }, group);
  }

  /** Begins with a question about the root. */
  beginWide(): void {
    this.#divisions.push({ node: TREE_ROOT, fanBits: 4 });
  }

  /** True when the answer was one we waited for. */
  answered(
    answer: CompareNodes | CompareDocuments | CompareChanges | Wanted,
    cut: CutView,
    out: SyncEffect[],
  ): boolean {
    const open = this.#open.get(answer.id);
    if (open === undefined) return false;
    if (answer.kind === "wanted") {
      if (open.kind !== "wants") return false;
      for (const place of answer.missing) {
        const node = open.wants[place]?.node;
        if (node !== undefined) this.#divide(cut, node, 0, 0);
      }
    } else if (answer.wide !== this.#wide) {
      return false;
    } else if (answer.kind === "compare-nodes") {
      if (open.kind !== "nodes") return false;
      for (const [i, division] of open.divisions.entries()) {
        const group = answer.groups[i];
        if (group === undefined && i > 0) this.#divisions.push(division);
        else if (group?.length === 2 ** division.fanBits) this.#children(cut, division, group);
      }
    } else if (answer.kind === "compare-documents") {
      if (open.kind !== "documents") return false;
      for (const [i, node] of open.nodes.entries()) {
        if (i >= answer.lists.length && i > 0) this.#lists.push(node);
        else this.#documents(cut, node, answer.lists[i], out);
      }
    } else {
      if (open.kind !== "changes") return false;
      for (const [i, position] of open.positions.entries()) {
        const list = answer.lists[i];
        if (list !== undefined) this.#changes(cut, position, list, out);
        else if (i > 0) this.#positions.push(position);
      }
    }
    this.#open.delete(answer.id);
    return true;
  }

  /** Entries that the peer lacks, found since the last call; parents before children. */
  takeFound(): LogEntry[] {
    const found = this.#found;
    this.#found = [];
    return found.sort((a, b) => a.hlc - b.hlc || a.seq - b.seq);
  }

  /** Questions to be sent now. */
  takeQuestions(): ComparisonMessage[] {
    const questions: ComparisonMessage[] = [];
    let weight = [...this.#open.values()].reduce((all, open) => all + open.weight, 0);
    const room = limits.ANTI_ENTROPY_DIGESTS_OPEN_MAX / (this.#wide ? 4 : 1);
    while (weight < room && this.#todo > 0) {
      const id = this.#nextId();
      const union = this.#union ? ({ union: true } as const) : {};
      const head = { id, cut: this.cut, wide: this.#wide, ...union };
      if (this.#divisions.length > 0) {
        const divisions = this.#takeDivisions();
        const digests = divisions.reduce((all, { fanBits }) => all + 2 ** fanBits, 0);
        this.#open.set(id, { kind: "nodes", divisions, weight: digests });
        questions.push({ kind: "ask-nodes", ...head, nodes: divisions });
      } else if (this.#lists.length > 0) {
        const nodes = this.#lists.splice(0, LISTS_PER_QUESTION);
        this.#open.set(id, { kind: "documents", nodes, weight: ONE_QUESTION });
        questions.push({ kind: "ask-documents", ...head, nodes });
      } else if (this.#positions.length > 0) {
        const positions = this.#positions.splice(0, limits.ANTI_ENTROPY_DOCUMENTS_OPENED_MAX);
        this.#open.set(id, { kind: "changes", positions, weight: ONE_QUESTION });
        questions.push({ kind: "ask-changes", ...head, positions });
      } else {
        const wants = this.#takeWants();
        this.#open.set(id, { kind: "wants", wants, weight: ONE_QUESTION });
        const elements = wants.map(({ element }) => element);
        const positions = wants.map(({ position }) => position);
        questions.push({ kind: "want-changes", id, elements, positions });
      }
      weight += this.#open.get(id)?.weight ?? 0;
    }
    return questions;
  }

  #takeDivisions(): Division[] {
    const taken: Division[] = [];
    let digests = 0;
    for (let next = this.#divisions[0]; next !== undefined; next = this.#divisions[0]) {
      digests += 2 ** next.fanBits;
      if (taken.length > 0 && digests > limits.ANTI_ENTROPY_DIGESTS_MAX) break;
      taken.push(next);
      this.#divisions.shift();
    }
    return taken;
  }

  /** Of so few documents that all of them may be opened to answer. */
  #takeWants(): Want[] {
    const documents = new Set<number>();
    let count = 0;
    for (const { position } of this.#wants) {
      if (count === limits.ANTI_ENTROPY_DIGESTS_MAX) break;
      if (position !== undefined) documents.add(position);
      if (documents.size > limits.ANTI_ENTROPY_DOCUMENTS_OPENED_MAX) break;
      count++;
    }
    return this.#wants.splice(0, count);
  }

  #children(cut: CutView, { node, fanBits }: Division, theirs: readonly NodeDigest[]): void {
    const mine = cut.children(node, fanBits);
    const differing: { node: TreeNode; mine: NodeSum; theirs: NodeDigest }[] = [];
    for (const [i, child] of childrenOf(node, fanBits).entries()) {
      const [ours, other] = [mine[i], theirs[i]];
      if (ours === undefined || other === undefined) continue;
      if (ours.changes === other.changes && this.#digest(ours) === other.digest) continue;
      differing.push({ node: child, mine: ours, theirs: other });
    }
    // One child with several differences: they are likely one document's, and a wide answer is wasted.
    const isConcentrated = differing.length === 1;
    for (const child of differing) {
      const difference = child.mine.changes - child.theirs.changes;
      const delta = this.#digest(child.mine) - child.theirs.digest;
      if (this.#single(difference, delta, child.node)) continue;
      this.#divide(cut, child.node, isConcentrated ? 0 : difference, child.theirs.changes);
    }
  }

  #digest({ sum }: NodeSum): bigint {
    return digestOf(sum, this.#wide);
  }

  /** When one change makes the difference, it is named by it. */
  #single(difference: number, delta: bigint, node: TreeNode): boolean {
    if (difference === 1) return this.#send(BigInt.asUintN(64, delta), node);
    if (difference === -1) {
      const position = node.depth === POSITION_BITS ? node.index : undefined;
      return this.#want(BigInt.asUintN(64, -delta), node, position);
    }
    return false;
  }

  #divide(cut: CutView, node: TreeNode, difference: number, theirChanges: number): void {
    const isSmall =
      cut.documentCount(node) <= limits.ANTI_ENTROPY_LIST_DOCUMENTS &&
      theirChanges <= limits.ANTI_ENTROPY_LIST_MAX;
    if (isSmall || node.depth >= DEPTH_MAX) this.#lists.push(node);
    else this.#divisions.push({ node, fanBits: fanBitsFor(difference) });
  }

  #documents(
    cut: CutView,
    node: TreeNode,
    theirs: readonly DocumentDigest[] | undefined,
    out: SyncEffect[],
  ): void {
    const documents = cut.documents(node, limits.ANTI_ENTROPY_LIST_MAX);
    if (documents === undefined || theirs === undefined) {
      if (node.depth < DEPTH_MAX) this.#divisions.push({ node, fanBits: fanBitsFor(0) });
      return;
    }
    const recounts = out.length;
    recountNode(cut, node, documents, this.#view.cluster.shardCount, out);
    if (out.length > recounts) this.#recounted = true;
    const mine = byPosition(documents.map((document) => documentDigest(document, this.#wide)));
    const other = byPosition(theirs);
    const { from, to } = nodeRange(node);
    for (const position of new Set([...mine.keys(), ...other.keys()])) {
      const ours = mine.get(position) ?? NO_CHANGES;
      const others = other.get(position) ?? NO_CHANGES;
      if (ours.changes === others.changes && ours.digest === others.digest) continue;
      if (position < from || position >= to) continue; // a lie
      const here = { depth: POSITION_BITS, index: position };
      if (this.#single(ours.changes - others.changes, ours.digest - others.digest, here)) continue;
      if (others.changes === 0) this.#sendAll(cut, position, out);
      else this.#positions.push(position);
    }
  }

  #changes(cut: CutView, position: number, theirs: readonly bigint[], out: SyncEffect[]): void {
    const recounts = out.length;
    const elements = elementsAt(cut, position, this.#view.cluster.shardCount, out);
    if (out.length > recounts) this.#recounted = true;
    const mine = new Set(elements.map((element) => digestOf(element, this.#wide)));
    const others = new Set(theirs);
    const here = { depth: POSITION_BITS, index: position };
    const lacking = [...mine].filter((element) => !others.has(element));
    this.#sendAt(here, lacking);
    for (const element of others) {
      if (!mine.has(element)) this.#want(BigInt.asUintN(64, element), undefined, position);
    }
  }

  #sendAll(cut: CutView, position: number, out: SyncEffect[]): void {
    if (documentsAt(cut, position).length === 0) return;
    const here = { depth: POSITION_BITS, index: position };
    const elements = elementsAt(cut, position, this.#view.cluster.shardCount, out);
    this.#sendAt(
      here,
      elements.map((element) => digestOf(element, false)),
    );
  }

  /** Of one document: what the log does not have is looked for in the document, all at once. */
  #sendAt(here: TreeNode, elements: readonly bigint[]): void {
    const low = elements.map((element) => BigInt.asUintN(64, element));
    const unlogged = low.filter((element) => !this.#sendLogged(element, here));
    if (unlogged.length > 0) this.#sendUnlogged(here, unlogged);
  }

  #sendUnlogged({ index }: TreeNode, elements: readonly bigint[]): boolean {
    const entries = this.#view.changesAt(index, new Set(elements));
    for (const entry of entries) this.#push(entry);
    return entries.length > 0;
  }

  /** False when no change of that element is known to lie under the node. */
  #send(element: bigint, node: TreeNode): boolean {
    if (this.#sendLogged(element, node)) return true;
    return node.depth === POSITION_BITS && this.#sendUnlogged(node, [element]);
  }

  #sendLogged(element: bigint, node: TreeNode): boolean {
    const { from, to } = nodeRange(node);
    const entry = this.#view.findElement(BigInt.asIntN(64, element)).find((found) => {
      const position = this.#view.positionOf(found);
      return position >= from && position < to;
    });
    if (entry === undefined) return false;
    this.#push(entry);
    return true;
  }

  #push(entry: LogEntry): void {
    this.#repairs++;
    if (this.#repairs <= limits.ANTI_ENTROPY_REPAIRS_MAX) this.#found.push(entry);
  }

  #want(element: bigint, node: TreeNode | undefined, position?: number): boolean {
    const name = `${element} ${position ?? ""}`;
    if (this.#wanted.has(name)) return false; // asked before, and it was not that
    this.#wanted.add(name);
    this.#repairs++;
    if (this.#repairs > limits.ANTI_ENTROPY_REPAIRS_MAX) return true;
    this.#wants.push({ element, node, position });
    return true;
  }
}

/** What the answer to any other question may bring, more or less. */
const ONE_QUESTION = limits.ANTI_ENTROPY_DIGESTS_MAX;
const NO_CHANGES: NodeDigest = { changes: 0, digest: 0n };
/** Small nodes have few documents each; the answer is bounded by documents as well. */
const LISTS_PER_QUESTION = Math.floor(
  limits.ANTI_ENTROPY_DIGESTS_MAX / limits.ANTI_ENTROPY_LIST_DOCUMENTS,
);

/** How finely to divide where `difference` changes more lie on one side than on the other. */
export function fanBitsFor(difference: number): number {
  const { ANTI_ENTROPY_FAN_BITS_MIN, ANTI_ENTROPY_FAN_BITS_MAX } = limits;
  const count = Math.abs(difference);
  if (count < 2) return 4;
  const bits = Math.ceil(Math.log2(count / LOAD));
  return Math.min(ANTI_ENTROPY_FAN_BITS_MAX, Math.max(ANTI_ENTROPY_FAN_BITS_MIN, bits));
}

/** Two documents at one position are compared as one. */
function byPosition(documents: readonly DocumentDigest[]): Map<number, NodeDigest> {
  const all = new Map<number, NodeDigest>();
  for (const { position, changes, digest } of documents) {
    const before = all.get(position) ?? NO_CHANGES;
    all.set(position, { changes: before.changes + changes, digest: before.digest + digest });
  }
  return all;
}
