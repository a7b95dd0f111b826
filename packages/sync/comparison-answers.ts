/**
 * The side of a comparison that is asked. It remembers nothing: every question carries the cut, and every
 * answer follows from the copy at that cut, whenever it is computed.
 */
import type { LogEntry, RegionCode, RegionVector } from "@atoll/core";
import {
  TREE_ROOT,
  joinVectors,
  limits,
  missingRegions,
  sumsEqual,
  unreachable,
} from "@atoll/core";
import type { Announced } from "./announced.ts";
import { answerChanges, answerDocuments, answerNodes, digestOf } from "./comparison.ts";
import type { ComparisonOutlet } from "./comparison-outlet.ts";
import type { ComparisonVerdicts } from "./comparison-verdicts.ts";
import { fanBitsFor } from "./descent.ts";
import type { LaneAdoption } from "./lane-adoption.ts";
import type { SyncEffect } from "./effects.ts";
import type {
  AskChanges,
  AskDocuments,
  AskNodes,
  CompareOpen,
  ComparisonMessage,
  WantChanges,
} from "./messages.ts";
import type { CutView, SyncView } from "./sync-view.ts";

type Question = AskNodes | AskDocuments | AskChanges;
/** What is said to the side that is asked. */
export type Asked = CompareOpen | WantChanges | Question;

export class ComparisonAnswers {
  readonly #view: SyncView;
  readonly #announced: Pick<Announced, "coverage">;
  readonly #verdicts: ComparisonVerdicts;
  readonly #outlet: ComparisonOutlet;
  readonly #adoption: LaneAdoption;

  constructor(
    view: SyncView,
    rooms: {
      readonly announced: Pick<Announced, "coverage">;
      readonly verdicts: ComparisonVerdicts;
      readonly outlet: ComparisonOutlet;
      readonly adoption: LaneAdoption;
    },
  ) {
    this.#view = view;
    this.#announced = rooms.announced;
    this.#verdicts = rooms.verdicts;
    this.#outlet = rooms.outlet;
    this.#adoption = rooms.adoption;
  }

  /** Everything that is held here now. */
  held(): RegionVector {
    const own = new Map([[this.#view.region.code, this.#view.stamp()]]);
    return joinVectors(this.#announced.coverage, own);
  }

  answer(peer: RegionCode, asked: Asked, nowMs: number, out: SyncEffect[]): void {
    if (asked.kind === "want-changes") return this.#wants(peer, asked, out);
    const cut = this.#cutAt(asked.cut, asked.union === true);
    const { id } = asked;
    if (cut === "trimmed") {
      const horizon = this.#view.horizon();
      this.#outlet.send(peer, { kind: "compare-stale", id, reason: cut, horizon }, out);
    } else if (typeof cut === "string") {
      this.#outlet.send(peer, { kind: "compare-stale", id, reason: cut }, out);
    } else if (asked.kind === "compare-open") {
      const answer = this.#compare(peer, asked, cut, nowMs, out);
      this.#outlet.send(peer, answer, out);
      const isUnion = asked.union === true && answer.kind === "compare-same";
      if (isUnion) this.#adoption.tell(peer, asked, out);
    } else {
      this.#outlet.send(peer, answerTo(asked, cut, this.#view, out), out);
    }
  }

  #compare(
    peer: RegionCode,
    { id, cut: vector, root, changes }: CompareOpen,
    cut: CutView,
    nowMs: number,
    out: SyncEffect[],
  ): ComparisonMessage {
    if (sumsEqual(cut.root.sum, root)) {
      this.#verdicts.equal(peer, vector, nowMs);
      return { kind: "compare-same", id };
    }
    this.#verdicts.differs(peer, nowMs, out);
    const group = cut
      .children(TREE_ROOT, fanBitsFor(cut.root.changes - changes))
      .map((node) => ({ changes: node.changes, digest: digestOf(node.sum, false) }));
    return { kind: "compare-nodes", id, wide: false, groups: [group] };
  }

  #wants(peer: RegionCode, { id, elements, positions }: WantChanges, out: SyncEffect[]): void {
    const missing: number[] = [];
    const entries: LogEntry[] = [];
    const unlogged = new Map<number, { readonly element: bigint; readonly place: number }[]>();
    for (const [place, element] of elements.entries()) {
      const found = this.#view.findElement(BigInt.asIntN(64, element));
      const position = positions?.[place];
      entries.push(...found);
      if (found.length > 0) continue;
      if (position === undefined) missing.push(place);
      else unlogged.set(position, [...(unlogged.get(position) ?? []), { element, place }]);
    }
    for (const [i, [position, wanted]] of [...unlogged].entries()) {
      const isTooMany = i >= limits.ANTI_ENTROPY_DOCUMENTS_OPENED_MAX;
      const names = new Set(wanted.map(({ element }) => element));
      const found = isTooMany ? [] : this.#view.changesAt(position, names);
      entries.push(...found);
      if (found.length < wanted.length) missing.push(...wanted.map(({ place }) => place));
    }
    missing.sort((a, b) => a - b);
    entries.sort((a, b) => a.hlc - b.hlc || a.seq - b.seq);
    this.#outlet.repair(peer, entries, out);
    this.#outlet.send(peer, { kind: "wanted", id, missing }, out);
  }

  /** The copy at a peer's cut, or why it cannot be compared there. */
  #cutAt(vector: RegionVector, union: boolean): CutView | "not-covered" | "tail" | "trimmed" {
    if (!union && missingRegions(this.held(), vector).length > 0) return "not-covered";
    if (missingRegions(vector, this.#view.horizon()).length > 0) return "trimmed";
    return this.#view.cut(vector) ?? "tail";
  }
}

function answerTo(
  question: Question,
  cut: CutView,
  { cluster }: SyncView,
  out: SyncEffect[],
): ComparisonMessage {
  switch (question.kind) {
    case "ask-nodes":
      return answerNodes(cut, question);
    case "ask-documents":
      return answerDocuments(cut, question, cluster, out);
    case "ask-changes":
      return answerChanges(cut, question, cluster, out);
    default:
      return unreachable(question);
  }
}
