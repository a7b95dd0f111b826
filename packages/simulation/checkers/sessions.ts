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
 */
import type { Call } from "../workload/history.ts";
import { isDone } from "../workload/history.ts";
import { marksOf } from "./acknowledged.ts";
import type { Evidence } from "./evidence.ts";
import { isShaky } from "./evidence.ts";
import type { Found } from "./violation.ts";

type Reason = "read your writes" | "monotonic reads" | "monotonic writes" | "writes follow reads";

/** Profile and mark, and how the session came to know it. */
type Known = Map<string, Reason>;

export function checkSessions(evidence: Evidence): Found[] {
  const { calls } = evidence.history;
  const causes = new Map<string, Known>();
  const written = new Map<string, Call>();
  for (const call of calls)
    if (call.mark !== undefined) written.set(keyOf(call.id, call.mark), call);
  const knownBySession = new Map<number, Known>();
  const found: Found[] = [];
  // In the order of their ends; what a writer knew is what it knew when it asked.
  const events = calls.flatMap((call) => [
    { atMs: call.invokedMs, isEnd: false, call },
    ...(call.completedMs === undefined ? [] : [{ atMs: call.completedMs, isEnd: true, call }]),
  ]);
  events.sort((a, b) => a.atMs - b.atMs || Number(a.isEnd) - Number(b.isEnd));
  for (const { isEnd, call } of events) {
    let known = knownBySession.get(call.session);
    if (known === undefined) knownBySession.set(call.session, (known = new Map<string, Reason>()));
    if (!isEnd) {
      if (call.mark !== undefined) causes.set(keyOf(call.id, call.mark), new Map(known));
      continue;
    }
    const { outcome, id, mark } = call;
    if (!isDone(call) || outcome === undefined || outcome.kind === "unknown") continue;
    if (outcome.kind === "refused") continue;
    const shown = outcome.kind === "found" ? marksOf(outcome.json) : new Set<string>();
    if (call.session >= 0 && call.token !== undefined && !outcome.isStale) {
      found.push(...missingOf(evidence, call, { known, shown, written }));
    }
    if (outcome.isStale) continue;
    for (const seen of shown) learn(known, keyOf(id, seen), causes, "monotonic reads");
    if (mark !== undefined) known.set(keyOf(id, mark), "read your writes");
  }
  return found;
}

function missingOf(
  evidence: Evidence,
  call: Call,
  { known, shown, written }: { known: Known; shown: Set<string>; written: Map<string, Call> },
): Found[] {
  const found: Found[] = [];
  for (const [key, reason] of known) {
    const { id, mark } = parseKey(key);
    if (id !== call.id || shown.has(mark)) continue;
    const write = written.get(key);
    if (write === undefined || isShaky(evidence, write)) continue;
    const message =
      `${reason}: call ${call.index} of session ${call.session} in region ${call.region} ` +
      `does not show ${id} ${mark} (call ${write.index}, region ${write.region})`;
    found.push({ checker: "sessions", message });
  }
  return found;
}

/** With whatever its writer knew. */
function learn(known: Known, key: string, causes: Map<string, Known>, reason: Reason): void {
  if (known.has(key)) return;
  known.set(key, reason);
  for (const [cause, why] of causes.get(key) ?? []) {
    if (known.has(cause)) continue;
    known.set(cause, why === "read your writes" ? "monotonic writes" : "writes follow reads");
  }
}

function keyOf(id: string, mark: string): string {
  return `${id} ${mark}`;
}

function parseKey(key: string): { readonly id: string; readonly mark: string } {
  const [id = "", mark = ""] = key.split(" ");
  return { id, mark };
}
