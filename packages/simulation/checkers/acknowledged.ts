/**
 * I1: no acknowledged write is lost. Every change that an answer named is in the log of every region in the
 * end, and every member that an acknowledged write added is shown.
 */
import { isDone } from "../workload/history.ts";
import type { Evidence } from "./evidence.ts";
import { isShaky } from "./evidence.ts";
import { shownAs } from "./final-state.ts";
import type { Found } from "./violation.ts";

export function checkAcknowledged(evidence: Evidence): Found[] {
  const { history, finals, gone } = evidence;
  const found: Found[] = [];
  for (const call of history.calls) {
    const { outcome, edit, id, mark } = call;
    if (edit === undefined || !isDone(call) || outcome?.kind !== "found") continue;
    const heads = outcome.heads.filter((head) => !gone.has(head));
    for (const state of finals) {
      for (const head of heads) {
        if (state.changes.has(head)) continue;
        const message = `${state.region} lacks ${head.slice(0, 12)} of ${id}, call ${call.index}`;
        found.push({ checker: "acknowledged", message });
      }
      if (mark === undefined || isShaky(evidence, call)) continue;
      const json = shownAs(state, id);
      if (json !== undefined && marksOf(json).has(mark)) continue;
      found.push({
        checker: "acknowledged",
        message: `${state.region} does not show ${id} ${mark}`,
      });
    }
  }
  return found;
}

export function marksOf(json: string): Set<string> {
  const { marks } = JSON.parse(json) as { marks?: Record<string, unknown> };
  return new Set(Object.keys(marks ?? {}));
}
