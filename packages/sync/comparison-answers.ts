/**
 * The side of a comparison that is asked. It remembers nothing: every question carries the cut, and every
 * answer follows from the copy at that cut, whenever it is computed.
 */
import type { RegionCode, RegionVector } from "@atoll/core";
import { TREE_ROOT, joinVectors, missingRegions, sumsEqual, unreachable } from "@atoll/core";
import type { Announced } from "./announced.ts";
import { answerChanges, answerDocuments, answerNodes, digestOf } from "./comparison.ts";
import type { ComparisonOutlet } from "./comparison-outlet.ts";
import type { ComparisonVerdicts } from "./comparison-verdicts.ts";
import { fanBitsFor } from "./descent.ts";
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

  constructor(
    view: SyncView,
    rooms: {
      readonly announced: Pick<Announced, "coverage">;
      readonly verdicts: ComparisonVerdicts;
      readonly outlet: ComparisonOutlet;
    },
  ) {
    this.#view = view;
    this.#announced = rooms.announced;
    this.#verdicts = rooms.verdicts;
    this.#outlet = rooms.outlet;
  }

  /** Everything that is held here now. */
  held(): RegionVector {
    const own = new Map([[this.#view.region.code, this.#view.stamp()]]);
    return joinVectors(this.#announced.coverage, own);
  }

  answer(peer: RegionCode, asked: Asked, nowMs: number, out: SyncEffect[]): void {
    if (asked.kind === "want-changes") return this.#wants(peer, asked, out);
    const cut = this.#cutAt(asked.cut);
    const { id } = asked;
    if (typeof cut === "string") {
      this.#outlet.send(peer, { kind: "compare-stale", id, reason: cut }, out);
    } else if (asked.kind === "compare-open") {
      this.#outlet.send(peer, this.#compare(peer, asked, cut, nowMs, out), out);
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

  #wants(peer: RegionCode, { id, elements }: WantChanges, out: SyncEffect[]): void {
    const missing: number[] = [];
    const entries = elements.flatMap((element, place) => {
      const found = this.#view.findElement(BigInt.asIntN(64, element));
      if (found.length === 0) missing.push(place);
      return found;
    });
    entries.sort((a, b) => a.hlc - b.hlc || a.seq - b.seq);
    this.#outlet.repair(peer, entries, out);
    this.#outlet.send(peer, { kind: "wanted", id, missing }, out);
  }

  /** The copy at a peer's cut, or why it cannot be compared there. */
  #cutAt(vector: RegionVector): CutView | "not-covered" | "tail" {
    if (missingRegions(this.held(), vector).length > 0) return "not-covered";
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
