/**
 * I7: in a set, an addition wins over a removal that did not know of it, and nothing appears or goes by itself.
 *
 *     must be there    somebody added it, and every removal rests on a read from before that
 *     must be gone     it was added once, and somebody who had seen it removed it
 *     may be there     anything between
 */
import type { Call } from "../workload/history.ts";
import { isDone, isUnclear } from "../workload/history.ts";
import { usageOf } from "../workload/operation.ts";
import type { Evidence } from "./evidence.ts";
import { isShaky } from "./evidence.ts";
import { shownAs } from "./final-state.ts";
import type { Found } from "./violation.ts";

interface Element {
  readonly id: string;
  readonly name: string;
  readonly added: Call[];
  readonly removed: Call[];
}

export function checkSets(evidence: Evidence): Found[] {
  const { calls } = evidence.history;
  const elements = elementsOf(calls);
  const found: Found[] = [];
  for (const state of evidence.finals) {
    for (const element of elements.values()) {
      const json = shownAs(state, element.id);
      const isThere = json !== undefined && interestsOf(json).includes(element.name);
      const fault = isThere ? mayNot(evidence, element) : must(evidence, element);
      if (fault === undefined) continue;
      const message = `${state.region}, ${element.id}: ${element.name} ${fault}`;
      found.push({ checker: "sets", message });
    }
    for (const id of new Set([...elements.values()].map((element) => element.id))) {
      const shown = interestsOf(shownAs(state, id) ?? "{}");
      const unknown = shown.filter((name) => !elements.has(`${id} ${name}`));
      if (unknown.length === 0) continue;
      const message = `${state.region}, ${id}: nobody added ${unknown.join(", ")}`;
      found.push({ checker: "sets", message });
    }
  }
  return found;
}

/** Why it should be there. */
function must(evidence: Evidence, { added, removed }: Element): string | undefined {
  const isFirm = (call: Call): boolean =>
    isDone(call) && call.outcome?.kind === "found" && !isShaky(evidence, call);
  const mayHaveRemoved = removed.filter((call) => isUnclear(call) || isDone(call));
  const winner = added.find(
    (addition) =>
      isFirm(addition) &&
      changed(addition) &&
      mayHaveRemoved.every((removal) => readMs(evidence, removal) < addition.invokedMs),
  );
  return winner && `was added by call ${winner.index} and is not there`;
}

/** Why it should not be there. */
function mayNot(evidence: Evidence, { added, removed }: Element): string | undefined {
  const attempts = added.filter((call) => isUnclear(call) || isDone(call));
  if (attempts.length === 0) return "was refused and is there";
  const [only] = attempts;
  if (attempts.length > 1 || only === undefined) return undefined;
  const removal = removed.find((call) => isDone(call) && !isShaky(evidence, call));
  return removal && `was removed by call ${removal.index} and is there`;
}

function changed({ outcome }: Call): boolean {
  return outcome?.kind === "found" && outcome.changed === true;
}

/** When the read began that a write rests on. */
function readMs({ history }: Evidence, call: Call): number {
  const read = call.basedOn === undefined ? undefined : history.calls[call.basedOn];
  return read?.completedMs ?? call.invokedMs;
}

function elementsOf(calls: readonly Call[]): Map<string, Element> {
  const elements = new Map<string, Element>();
  for (const call of calls) {
    const name = call.added ?? call.removed;
    if (name === undefined || usageOf(call.id) !== "set") continue;
    const key = `${call.id} ${name}`;
    let element = elements.get(key);
    if (element === undefined) {
      elements.set(key, (element = { id: call.id, name, added: [], removed: [] }));
    }
    if (call.added === undefined) element.removed.push(call);
    else element.added.push(call);
  }
  return elements;
}

function interestsOf(json: string): string[] {
  const { interests } = JSON.parse(json) as { interests?: string[] };
  return interests ?? [];
}
