/** What was refused did not happen: no region shows a member that only a refused write would have added. */
import { usageOf } from "../workload/operation.ts";
import { marksOf } from "./acknowledged.ts";
import type { Evidence } from "./evidence.ts";
import { shownAs } from "./final-state.ts";
import type { Found } from "./violation.ts";

export function checkRefused({ history, finals }: Pick<Evidence, "history" | "finals">): Found[] {
  const found: Found[] = [];
  for (const { id, mark, outcome, index } of history.calls) {
    if (mark === undefined || outcome?.kind !== "refused" || usageOf(id) !== "marks") continue;
    for (const state of finals) {
      const json = shownAs(state, id);
      if (json === undefined || !marksOf(json).has(mark)) continue;
      const message = `${state.region} shows ${id} ${mark}, which call ${index} was refused`;
      found.push({ checker: "refused", message });
    }
  }
  return found;
}
