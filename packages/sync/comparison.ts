/**
 * Answering the questions of a comparison: pure functions of the copy at the cut.
 *
 * Whoever answers remembers nothing. Each answer is bounded by what one turn may cost; what a question asks
 * beyond that is left out at its end, and the asker asks for the rest again. Listing is also the moment
 * when a wrong sum shows: documents that do not add up to their node, or changes to their document, are
 * counted again here, whatever the peer makes of the answer.
 */
import type { Cluster, Sum, TreeNode } from "@atoll/core";
import {
  SUM_ZERO,
  addSums,
  limits,
  nodeRange,
  shardOf,
  sumToInteger,
  sumsEqual,
} from "@atoll/core";
import type { SyncEffect } from "./effects.ts";
import type {
  AskChanges,
  AskDocuments,
  AskNodes,
  CompareChanges,
  CompareDocuments,
  CompareNodes,
  DocumentDigest,
  NodeDigest,
} from "./messages.ts";
import type { CutView, DocumentSum, NodeSum } from "./sync-view.ts";

/** Of a sum, what goes over the wire. */
export function digestOf(sum: Sum, wide: boolean): bigint {
  return sumToInteger(sum, wide ? 32 : 8);
}

export function answerNodes(cut: CutView, question: AskNodes): CompareNodes {
  const { id, wide, nodes } = question;
  const groups: NodeDigest[][] = [];
  let digests = 0;
  for (const { node, fanBits } of nodes) {
    digests += 2 ** fanBits;
    if (groups.length > 0 && digests > limits.ANTI_ENTROPY_DIGESTS_MAX) break;
    groups.push(cut.children(node, fanBits).map((sum) => nodeDigest(sum, wide)));
  }
  return { kind: "compare-nodes", id, wide, groups };
}

export function answerDocuments(
  cut: CutView,
  question: AskDocuments,
  { shardCount }: Cluster,
  out: SyncEffect[],
): CompareDocuments {
  const { id, wide, nodes } = question;
  const lists: (DocumentDigest[] | undefined)[] = [];
  let listed = 0;
  for (const node of nodes) {
    const documents = cut.documents(node, limits.ANTI_ENTROPY_LIST_MAX);
    listed += documents?.length ?? 0;
    if (lists.length > 0 && listed > limits.ANTI_ENTROPY_DIGESTS_MAX) break;
    if (documents !== undefined) recountNode(cut, node, documents, shardCount, out);
    lists.push(documents?.map((document) => documentDigest(document, wide)));
  }
  return { kind: "compare-documents", id, wide, lists };
}

export function answerChanges(
  cut: CutView,
  question: AskChanges,
  { shardCount }: Cluster,
  out: SyncEffect[],
): CompareChanges {
  const { id, wide, positions } = question;
  const lists = positions.slice(0, limits.ANTI_ENTROPY_DOCUMENTS_OPENED_MAX).map((position) => {
    const elements = elementsAt(cut, position, shardCount, out);
    return elements.map((element) => digestOf(element, wide));
  });
  return { kind: "compare-changes", id, wide, lists };
}

/** The elements of all documents at a position: nearly always one. */
export function elementsAt(
  cut: CutView,
  position: number,
  shardCount: number,
  out: SyncEffect[],
): Sum[] {
  return documentsAt(cut, position).flatMap((document) => {
    const elements = cut.elements(document);
    const sum = elements.reduce(addSums, SUM_ZERO);
    if (elements.length !== document.changes || !sumsEqual(sum, document.sum)) {
      const shard = shardOf(position, shardCount);
      out.push({ kind: "recount", shard, docIds: [document.docId] });
    }
    return elements;
  });
}

export function documentsAt(cut: CutView, position: number): DocumentSum[] {
  const node = { depth: 52, index: position };
  return cut.documents(node, limits.ANTI_ENTROPY_LIST_MAX) ?? [];
}

/** Where documents do not add up to the node above them, the node's buckets are wrong. */
export function recountNode(
  cut: CutView,
  node: TreeNode,
  documents: readonly DocumentSum[],
  shardCount: number,
  out: SyncEffect[],
): void {
  const { changes, sum } = cut.node(node);
  const total = documents.reduce((all, document) => addSums(all, document.sum), SUM_ZERO);
  const counted = documents.reduce((all, document) => all + document.changes, 0);
  if (counted === changes && sumsEqual(total, sum)) return;
  const { from, to } = nodeRange(node);
  for (let shard = shardOf(from, shardCount); shard <= shardOf(to - 1, shardCount); shard++) {
    out.push({ kind: "recount", shard, docIds: [] });
  }
}

function nodeDigest({ changes, sum }: NodeSum, wide: boolean): NodeDigest {
  return { changes, digest: digestOf(sum, wide) };
}

export function documentDigest(
  { changes, sum, position }: DocumentSum,
  wide: boolean,
): DocumentDigest {
  return { position, changes, digest: digestOf(sum, wide) };
}
