/**
 * The history as Jepsen writes it, so that other checkers than ours can read it (elle-cli, adya).
 *
 *     rw-register.edn   {:index 4, :time 12, :type :invoke, :process 3, :f :txn, :value [[:w "m4/w17" 17]]}
 *     set-full-ID.edn   {:index 9, :time 31, :type :ok, :process 5, :f :read, :value #{3 17}}
 *
 * Only marks are told: members that are added once and never removed, so each is a register that goes from
 * nothing to one value, and each profile a set that grows. Counters, text and merges have no transactional
 * reading, and a list of concurrent inserts would look incompatible to a checker that knows only appends.
 * A read tells every mark that it could have shown, because an absence is what anomalies are made of. Calls
 * under way at the same time are of different processes, and indexes have no gaps: what `jepsen.history` asks.
 */
import type { Call } from "@atoll/simulation/workload";
import { processesOf } from "./processes.ts";

type Type = "invoke" | "ok" | "fail" | "info";

interface Event {
  readonly timeMs: number;
  readonly call: Call;
  readonly type: Type;
}

/** One line for each event; keys are `profile/mark`. */
export function rwRegisterEdn(calls: readonly Call[]): string {
  const marksById = marksOf(calls);
  return ednLines(calls.filter(isAboutMarks), (call, type) => {
    if (call.mark !== undefined) return `[[:w "${call.id}/${call.mark}" ${numberOf(call.mark)}]]`;
    const marks = marksById.get(call.id) ?? [];
    const shown = type === "ok" ? shownMarks(call) : new Set<string>();
    const reads = marks.map(
      (mark) => `[:r "${call.id}/${mark}" ${shown.has(mark) ? numberOf(mark) : "nil"}]`,
    );
    return `[${reads.join(" ")}]`;
  });
}

/** Of one profile, in the words of `jepsen.checker/set-full`. */
export function setFullEdn(calls: readonly Call[], id: string): string {
  const mine = calls.filter((call) => call.id === id && isAboutMarks(call));
  return ednLines(
    mine,
    (call, type) => {
      if (call.mark !== undefined) return numberOf(call.mark);
      if (type !== "ok") return "nil";
      return `#{${[...shownMarks(call)].map(numberOf).join(" ")}}`;
    },
    (call) => (call.mark === undefined ? ":read" : ":add"),
  );
}

/** Profiles to which marks were added. */
export function markedProfiles(calls: readonly Call[]): string[] {
  return [...marksOf(calls).keys()];
}

function isAboutMarks(call: Call): boolean {
  const isWrite = call.edit !== undefined;
  if (isWrite) return call.mark !== undefined;
  return call.id.startsWith("m") && call.token !== undefined;
}

function marksOf(calls: readonly Call[]): Map<string, string[]> {
  const marksById = new Map<string, string[]>();
  for (const { id, mark } of calls) {
    if (mark === undefined) continue;
    const marks = marksById.get(id);
    if (marks === undefined) marksById.set(id, [mark]);
    else marks.push(mark);
  }
  return marksById;
}

function shownMarks({ outcome }: Call): Set<string> {
  if (outcome?.kind !== "found") return new Set();
  const { marks } = JSON.parse(outcome.json) as { readonly marks?: object };
  return new Set(Object.keys(marks ?? {}).filter((mark) => /^w\d+$/.test(mark)));
}

/** `w17` was written by operation 17, and by no other. */
function numberOf(mark: string): string {
  return mark.slice(1);
}

function ednLines(
  calls: readonly Call[],
  valueOf: (call: Call, type: Type) => string,
  nameOf: (call: Call) => string = () => ":txn",
): string {
  const processes = processesOf(calls);
  const events = calls.flatMap((call): Event[] => {
    const { invokedMs, completedMs } = call;
    const invoke: Event = { timeMs: invokedMs, call, type: "invoke" };
    if (completedMs === undefined) return [invoke];
    return [invoke, { timeMs: completedMs, call, type: endOf(call) }];
  });
  events.sort((a, b) => a.timeMs - b.timeMs);
  return events
    .map(({ timeMs, call, type }, index) => {
      const time = Math.round(timeMs * 1e6);
      const about = `:index ${index}, :time ${time}, :type :${type}, :process ${processes.get(call) ?? 0}`;
      return `{${about}, :f ${nameOf(call)}, :value ${valueOf(call, type)}}\n`;
    })
    .join("");
}

function endOf({ outcome }: Call): Type {
  switch (outcome?.kind) {
    case "found":
    case "absent":
      return "ok";
    case "refused":
      return "fail";
    case "unknown":
    case undefined:
      return "info";
  }
}
