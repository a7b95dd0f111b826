/**
 * What one session alone writes, always with its token, is known exactly: after every answer, and in the end.
 *
 * A plain model of REST on JSON runs beside the history: PUT replaces, a merge-patch merges (RFC 7396), a delete
 * hides and what is written afterwards starts from nothing. So a deleted profile that comes back, a value that
 * was overwritten, and a member that somebody forgot are all the same finding. After a request of which nobody
 * knows what became of it, the session may write without having seen it, and the model ends.
 */
import type { JsonObject, ProfileEdit } from "@atoll/profile";
import { canonicalJson, isJsonObject, mergePatch } from "@atoll/profile";
import type { Call } from "../workload/history.ts";
import { isDone, isUnclear, isWrite } from "../workload/history.ts";
import { usageOf } from "../workload/operation.ts";
import type { Evidence } from "./evidence.ts";
import { isShaky } from "./evidence.ts";
import { shownAs } from "./final-state.ts";
import type { Found } from "./violation.ts";

export function checkOwned(evidence: Evidence): Found[] {
  const callsById = new Map<string, Call[]>();
  for (const call of evidence.history.calls) {
    if (usageOf(call.id) !== "owned") continue;
    const calls = callsById.get(call.id);
    if (calls === undefined) callsById.set(call.id, [call]);
    else calls.push(call);
  }
  return [...callsById].flatMap(([id, calls]) => checkProfile(evidence, id, calls));
}

function checkProfile(evidence: Evidence, id: string, calls: readonly Call[]): Found[] {
  if (calls.some((call) => isWrite(call) && isShaky(evidence, call))) return [];
  let value: JsonObject | undefined;
  let isDeletedLast = false;
  for (const call of calls) {
    const { edit, outcome } = call;
    if (isWrite(call) && isUnclear(call)) return [];
    if (!isDone(call) || outcome === undefined) continue;
    // Served although it was not up to date: what it was merged with is not known.
    const isStale = (outcome.kind === "found" || outcome.kind === "absent") && outcome.isStale;
    if (isStale && isWrite(call)) return [];
    if (isStale) continue;
    if (edit !== undefined) {
      value = applied(value, edit);
      isDeletedLast = edit.kind === "delete";
    }
    const shown = outcome.kind === "found" ? outcome.json : undefined;
    if (isSame(value, shown)) continue;
    return [fault(id, `call ${call.index}, region ${call.region}`, value, shown, isDeletedLast)];
  }
  return evidence.finals
    .map((state) => ({ where: state.region, shown: shownAs(state, id) }))
    .filter(({ shown }) => !isSame(value, shown))
    .map(({ where, shown }) => fault(id, where, value, shown, isDeletedLast));
}

function applied(value: JsonObject | undefined, edit: ProfileEdit): JsonObject | undefined {
  switch (edit.kind) {
    case "put":
      return edit.value;
    case "delete":
      return undefined;
    case "merge-patch": {
      const merged = mergePatch(value ?? {}, edit.patch);
      return isJsonObject(merged) ? merged : value;
    }
    case "increment":
    case "json-patch":
    case "operations":
    case "revert":
      return value; // not drawn for what one session owns
  }
}

function isSame(value: JsonObject | undefined, shown: string | undefined): boolean {
  if (value === undefined || shown === undefined) return value === undefined && shown === undefined;
  return canonicalJson(value) === shown;
}

function fault(
  id: string,
  where: string,
  value: JsonObject | undefined,
  shown: string | undefined,
  isDeletedLast: boolean,
): Found {
  const expected = value === undefined ? "nothing" : canonicalJson(value);
  const checker = isDeletedLast ? "deletes" : "owned";
  return { checker, message: `${id} at ${where}: ${shown ?? "nothing"} instead of ${expected}` };
}
