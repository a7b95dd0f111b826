/**
 * I6: a counter is the sum of the increments that were acknowledged, and of some of those of which nobody knows
 * whether they were done. The same in every region.
 */
import type { Call } from "../workload/history.ts";
import { isDone, isUnclear } from "../workload/history.ts";
import { usageOf } from "../workload/operation.ts";
import type { Evidence } from "./evidence.ts";
import { isShaky } from "./evidence.ts";
import { shownAs } from "./final-state.ts";
import type { Found } from "./violation.ts";

interface Counted {
  known: number;
  readonly unclear: number[];
}

export function checkCounters(evidence: Evidence): Found[] {
  const counts = new Map<string, Counted>();
  for (const call of evidence.history.calls) count(evidence, call, counts);
  const found: Found[] = [];
  for (const [key, { known, unclear }] of counts) {
    const [id = "", pointer = ""] = key.split(" ");
    const possible = sums(known, unclear);
    for (const state of evidence.finals) {
      const value = counterAt(shownAs(state, id), pointer);
      if (possible.has(value)) continue;
      const message =
        `${state.region} shows ${value} at ${id}${pointer}; acknowledged are ${known}, ` +
        `unclear ${unclear.join(", ") || "none"}`;
      found.push({ checker: "counters", message });
    }
  }
  return found;
}

function count(evidence: Evidence, call: Call, counts: Map<string, Counted>): void {
  const { edit, id } = call;
  if (edit?.kind !== "increment" || usageOf(id) !== "counter") return;
  const key = `${id} ${edit.pointer}`;
  let counted = counts.get(key);
  if (counted === undefined) counts.set(key, (counted = { known: 0, unclear: [] }));
  // "absent": there was no profile to count in.
  const isCounted = isDone(call) && call.outcome?.kind === "found";
  if (isUnclear(call) || (isCounted && isShaky(evidence, call))) counted.unclear.push(edit.by);
  else if (isCounted) counted.known += edit.by;
}

function sums(known: number, unclear: readonly number[]): Set<number> {
  let possible = new Set([known]);
  for (const by of unclear) {
    possible = new Set([...possible].flatMap((sum) => [sum, sum + by]));
  }
  return possible;
}

function counterAt(json: string | undefined, pointer: string): number {
  let value: unknown = json === undefined ? {} : JSON.parse(json);
  for (const name of pointer.split("/").slice(1)) {
    value = (value as Record<string, unknown> | undefined)?.[name];
  }
  return typeof value === "number" ? value : 0;
}
