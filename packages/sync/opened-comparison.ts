/**
 * One comparison that we opened, from the first root to the last word.
 *
 *     open ──▶ same: equal
 *          ──▶ children of the root ──▶ descent ──▶ repaired ──▶ open again, at the same cut
 *
 * It ends with equal roots, or gives up: when the cut cannot be looked at any more, when it has cost enough, or
 * when passes without end would find no more. What was repaired does not differ any more, so the next comparison
 * goes on where this one ended.
 */
import type { RegionCode, RegionVector } from "@atoll/core";
import { limits } from "@atoll/core";
import type { Asked } from "./comparison-answers.ts";
import type { ComparisonOutlet } from "./comparison-outlet.ts";
import type { ComparisonVerdicts } from "./comparison-verdicts.ts";
import { Descent } from "./descent.ts";
import type { SyncEffect } from "./effects.ts";
import type { CompareLanes, CompareNodes, CompareStale, ComparisonMessage } from "./messages.ts";
import type { SyncView } from "./sync-view.ts";

/** What the one who was asked says. */
export type Answer = Exclude<ComparisonMessage, Asked | CompareLanes | CompareStale>;

export type Progress =
  /** Answers are to come. */
  | "asking"
  /** It was no answer to anything that is open. */
  | "ignored"
  | "equal"
  /** Over without equal roots; the next one comes in its time, or soon, because there is more to do. */
  | "over"
  | "over-for-now";

export interface OpenedOptions {
  readonly view: SyncView;
  readonly outlet: ComparisonOutlet;
  readonly verdicts: ComparisonVerdicts;
  readonly peer: RegionCode;
  readonly cut: RegionVector;
  /** The cut is what either side covers. */
  readonly union: boolean;
  /** Of a question; never the same twice on one link. */
  readonly nextId: () => number;
}

export class OpenedComparison {
  readonly #options: OpenedOptions;
  #id = 0;
  #pass = 0;
  #descent: Descent | undefined;
  /** Some pass found a difference, so that this was no false alarm. */
  #foundAny = false;
  #bytes = 0;
  #heardMs: number;

  constructor(options: OpenedOptions, nowMs: number) {
    this.#options = options;
    this.#heardMs = nowMs;
  }

  get union(): boolean {
    return this.#options.union;
  }

  /** Of the newest question about the root. */
  get id(): number {
    return this.#id;
  }

  /** When the other side was last heard, or all began. */
  get heardMs(): number {
    return this.#heardMs;
  }

  /** Asks about the root. */
  open(out: SyncEffect[]): Progress {
    const { view, outlet, peer, cut: at, union, nextId } = this.#options;
    const cut = view.cut(at);
    if (cut === undefined) return "over-for-now";
    const { sum, changes } = cut.root;
    this.#id = nextId();
    this.#descent = undefined;
    const question = { kind: "compare-open", id: this.#id, cut: at, root: sum, changes } as const;
    outlet.send(peer, union ? { ...question, union } : question, out);
    return "asking";
  }

  /** Whether a message with this id may be about what is open now. */
  concerns(id: number): boolean {
    return id === this.#id || this.#descent !== undefined;
  }

  /** `bytes`: the size of its frame. */
  hear(message: Answer, bytes: number, nowMs: number, out: SyncEffect[]): Progress {
    this.#heardMs = nowMs;
    this.#bytes += bytes;
    if (message.id === this.#id && this.#descent === undefined) {
      if (message.kind === "compare-same") return this.#same(nowMs);
      if (message.kind === "compare-nodes") return this.#differs(message, nowMs, out);
    }
    const { view, cut: at } = this.#options;
    const cut = view.cut(at);
    if (cut === undefined) return "over";
    const isKnown =
      message.kind !== "compare-same" && this.#descent?.answered(message, cut, out) === true;
    return isKnown ? this.#go(out) : "ignored";
  }

  #same(nowMs: number): Progress {
    const { verdicts, peer, cut } = this.#options;
    if (this.#pass > 0 && !this.#foundAny) verdicts.counts.falseDescents++;
    verdicts.equal(peer, cut, nowMs);
    return "equal";
  }

  #differs({ groups }: CompareNodes, nowMs: number, out: SyncEffect[]): Progress {
    const { view, verdicts, peer, cut: at, union, nextId } = this.#options;
    verdicts.differs(peer, nowMs, out);
    if (this.#pass === 0) verdicts.counts.descents++;
    if (this.#pass >= limits.ANTI_ENTROPY_PASSES_MAX) {
      verdicts.unresolved(peer, at, out);
      return "over";
    }
    const cut = view.cut(at);
    const group = groups[0];
    if (cut === undefined || group === undefined || this.#costsEnough) return "over";
    // The digests of the first pass agreed although the roots did not: 64 bits were not enough.
    const wide = this.#pass > 0 && !this.#foundAny;
    const descent = new Descent({ view, cut: at, wide, union, nextId });
    this.#descent = descent;
    this.#pass++;
    if (wide) descent.beginWide();
    else descent.begin(group, cut);
    return this.#go(out);
  }

  /** Sends what was found and asks on; at the end, compares again at the same cut. */
  #go(out: SyncEffect[]): Progress {
    const { outlet, verdicts, peer } = this.#options;
    const descent = this.#descent;
    if (descent === undefined) return "asking";
    outlet.repair(peer, descent.takeFound(), out);
    for (const question of descent.takeQuestions()) {
      this.#bytes += outlet.send(peer, question, out);
    }
    const isExhausted = this.#costsEnough || descent.repairs > limits.ANTI_ENTROPY_REPAIRS_MAX;
    if (!descent.isDone && !isExhausted) return "asking";
    if (descent.foundAny) this.#foundAny = true;
    verdicts.counts.repairs += descent.repairs;
    return isExhausted ? "over-for-now" : this.open(out);
  }

  get #costsEnough(): boolean {
    return this.#bytes > limits.ANTI_ENTROPY_BYTES_MAX;
  }
}
