/**
 * I8: what a session with a token has seen or done, it sees from then on, in every region and profile.
 *
 * Marks make it decidable: members that are added once and never removed. A session knows the marks it wrote and
 * read, and whatever their writers knew when they wrote them. Every later answer to it must show all of those
 * that lie in the profile it asked for:
 *
 *     its own mark is missing            read your writes
 *     one it has read before             monotonic reads
 *     one that the writer of a mark it knows had written before     monotonic writes
 *     one that the writer of a mark it knows had read before        writes follow reads
 *
 * What a writer knew is a prefix of what its session knows in the end, so a mark remembers a length and not a
 * copy: a history of many thousand calls is judged in the time it takes to read it.
 */
import type { Call } from "../workload/history.ts";
import { isDone } from "../workload/history.ts";
import { marksOf } from "./acknowledged.ts";
import type { Evidence } from "./evidence.ts";
import { isShaky } from "./evidence.ts";
import type { Found } from "./violation.ts";

type Reason = "read your writes" | "monotonic reads" | "monotonic writes" | "writes follow reads";

interface Mark {
  readonly id: string;
  readonly mark: string;
}

/** What the writer of a mark knew when it asked. */
interface Cause {
  readonly knowledge: Knowledge;
  readonly length: number;
}

/** What one session knows, in the order in which it came to know it. */
class Knowledge {
  readonly #learnt: (Mark & { readonly reason: Reason })[] = [];
  readonly #reasonsById = new Map<string, Map<string, Reason>>();
  /** How much of what others know has been learnt from them. */
  readonly #lengthByOther = new Map<Knowledge, number>();

  get length(): number {
    return this.#learnt.length;
  }

  /** Of one profile. */
  of(id: string): ReadonlyMap<string, Reason> {
    return this.#reasonsById.get(id) ?? new Map<string, Reason>();
  }

  /** With whatever its writer knew. */
  learn(known: Mark, reason: Reason, cause: Cause | undefined): void {
    if (!this.#add(known, reason) || cause === undefined) return;
    const { knowledge, length } = cause;
    const from = this.#lengthByOther.get(knowledge) ?? 0;
    if (knowledge === this || length <= from) return;
    this.#lengthByOther.set(knowledge, length);
    for (const { id, mark, reason: why } of knowledge.#learnt.slice(from, length)) {
      this.#add(
        { id, mark },
        why === "read your writes" ? "monotonic writes" : "writes follow reads",
      );
    }
  }

  #add({ id, mark }: Mark, reason: Reason): boolean {
    let reasons = this.#reasonsById.get(id);
    if (reasons === undefined) this.#reasonsById.set(id, (reasons = new Map<string, Reason>()));
    if (reasons.has(mark)) return false;
    reasons.set(mark, reason);
    this.#learnt.push({ id, mark, reason });
    return true;
  }
}

export function checkSessions(evidence: Evidence): Found[] {
  const { calls } = evidence.history;
  const causes = new Map<string, Cause>();
  const written = new Map<string, Call>();
  for (const call of calls)
    if (call.mark !== undefined) written.set(keyOf(call.id, call.mark), call);
  const knowledgeBySession = new Map<number, Knowledge>();
  const found: Found[] = [];
  // In the order of their ends; what a writer knew is what it knew when it asked.
  const events = calls.flatMap((call) => [
    { atMs: call.invokedMs, isEnd: false, call },
    ...(call.completedMs === undefined ? [] : [{ atMs: call.completedMs, isEnd: true, call }]),
  ]);
  events.sort((a, b) => a.atMs - b.atMs || Number(a.isEnd) - Number(b.isEnd));
  for (const { isEnd, call } of events) {
    let knowledge = knowledgeBySession.get(call.session);
    if (knowledge === undefined) {
      knowledgeBySession.set(call.session, (knowledge = new Knowledge()));
    }
    if (!isEnd) {
      const { length } = knowledge;
      if (call.mark !== undefined) causes.set(keyOf(call.id, call.mark), { knowledge, length });
      continue;
    }
    const { outcome, id, mark } = call;
    if (!isDone(call) || outcome === undefined || outcome.kind === "unknown") continue;
    if (outcome.kind === "refused") continue;
    const shown = outcome.kind === "found" ? marksOf(outcome.json) : new Set<string>();
    if (call.session >= 0 && call.token !== undefined && !outcome.isStale) {
      found.push(...missingOf(evidence, call, { known: knowledge.of(id), shown, written }));
    }
    if (outcome.isStale) continue;
    if (mark !== undefined) knowledge.learn({ id, mark }, "read your writes", undefined);
    for (const seen of shown) {
      knowledge.learn({ id, mark: seen }, "monotonic reads", causes.get(keyOf(id, seen)));
    }
  }
  return found;
}

function missingOf(
  evidence: Evidence,
  call: Call,
  {
    known,
    shown,
    written,
  }: { known: ReadonlyMap<string, Reason>; shown: Set<string>; written: Map<string, Call> },
): Found[] {
  const found: Found[] = [];
  for (const [mark, reason] of known) {
    if (shown.has(mark)) continue;
    const write = written.get(keyOf(call.id, mark));
    if (write === undefined || isShaky(evidence, write)) continue;
    const message =
      `${reason}: call ${call.index} of session ${call.session} in region ${call.region} ` +
      `does not show ${call.id} ${mark} (call ${write.index}, region ${write.region})`;
    found.push({ checker: "sessions", message });
  }
  return found;
}

function keyOf(id: string, mark: string): string {
  return `${id} ${mark}`;
}
