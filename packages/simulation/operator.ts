/**
 * What an operator does about entries that were set aside, as the runbook says.
 *
 *     judge again   everything that a region has set aside: a better copy, or a parent, may have come
 *     give up       a place that no region within reach holds: only somebody out of reach has the entry, and
 *                   until then its lane would stand still in all of them (replica/DESIGN.md, gaps)
 *
 * What was given up is not lost: who was out of reach brings it back by comparing.
 */
import { errorText, isAtollError, limits } from "@atoll/core";
import type { QuarantineSummary } from "@atoll/store";
import type { SimFleet } from "./fleet.ts";
import type { SimRegion } from "./region.ts";
import { ProcessDied } from "./store-door.ts";

export function judgeAgain(fleet: SimFleet, region: SimRegion): void {
  for (const { id } of asideIn(region)) done(fleet, region.driver.quarantine.retry(id));
}

/** In every region by itself: what one gives up another still waits for. Returns how many records went. */
export function giveUp(fleet: SimFleet, reachable: readonly SimRegion[]): number {
  const hopeless = reachable.flatMap((region) =>
    asideIn(region)
      .filter((record) => !reachable.some((other) => holds(other, record)))
      .map(({ id }) => ({ region, id })),
  );
  for (const { region, id } of hopeless) done(fleet, region.driver.quarantine.drop(id));
  return hopeless.length;
}

/** Of a document that was set aside there is always something: what it lacks is looked for elsewhere. */
function holds({ driver }: SimRegion, { lane, seq }: QuarantineSummary): boolean {
  if (lane === undefined || seq === undefined) return true;
  return driver.replica.ledger.frontier.find(lane)?.has(seq) === true;
}

function asideIn({ driver }: SimRegion) {
  return driver.replica.store.summarizeQuarantine(limits.QUARANTINE_LISTED_MAX);
}

/** A disk that refuses is told by whoever needs it next. */
function done(fleet: SimFleet, answer: Promise<unknown>): void {
  answer.catch((error: unknown) => {
    if (isAtollError(error) || error instanceof ProcessDied) return;
    fleet.fail({ checker: "no-crash", message: `an operator was answered: ${errorText(error)}` });
  });
}
