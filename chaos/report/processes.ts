/**
 * Which process of a Jepsen history a call belongs to.
 *
 * A process does one thing at a time, and one that does not know what became of a request never speaks
 * again: whoever goes on is another. So a session is a row of processes, and a call without a session is one of
 * its own.
 */
import type { Call } from "@atoll/simulation/workload";

/** More sessions than any load has, and more processes than all of them become. */
const SESSIONS_MAX = 10_000;
const NOBODYS_FIRST = 1_000_000_000;

export function processesOf(calls: readonly Call[]): ReadonlyMap<Call, number> {
  const lives = new Map<number, number>();
  const processes = new Map<Call, number>();
  for (const call of calls) {
    const { session, index, outcome } = call;
    if (session < 0) {
      processes.set(call, NOBODYS_FIRST + index);
      continue;
    }
    const life = lives.get(session) ?? 0;
    processes.set(call, life * SESSIONS_MAX + session);
    if (outcome === undefined || outcome.kind === "unknown") lives.set(session, life + 1);
  }
  return processes;
}
