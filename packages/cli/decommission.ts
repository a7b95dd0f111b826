/**
 * Taking a region out for good: when it may be stopped, and what its operator has to do then.
 *
 *     drained       clients are sent elsewhere; who comes all the same is served
 *     converged     all regions have signed that they hold the same at one cut, at or above all that it had
 *                   acknowledged when it was asked
 *     no latecomer  the others hold what it took meanwhile, too
 *
 * Draining alone is not it: a drained region may hold the only copy of a write. And nothing here stops a
 * process or rewrites a configuration: both lie with whoever starts regions, so they are told, in their order.
 */
import type { Clock } from "@atoll/core";
import { delay, limits } from "@atoll/core";
import type { RegionReport } from "./cluster-health.ts";
import type { Asked, Convergence } from "./convergence.ts";
import { untilConverged } from "./convergence.ts";
import { changesLacking } from "./link-verdict.ts";
import { ageText, countText } from "./output.ts";

export interface Leaving {
  readonly region: string;
  /** As the others' configurations have it; undefined when it does not say. */
  readonly code: number | undefined;
  readonly staying: readonly string[];
}

export function planLines({ region, staying }: Leaving, timeoutMs: number): string[] {
  return [
    `Decommission ${region}:`,
    `  1. drain it: clients are sent elsewhere; it still serves and replicates`,
    `  2. wait, at most ${ageText(timeoutMs)}, until ${staying.join(", ")} hold everything that it has ` +
      "acknowledged, and have every region sign it",
    `  3. say what is left to do by hand; nothing is stopped, deleted or reconfigured`,
  ];
}

/** `look`: what every region says of itself, now. */
export async function untilHeldElsewhere(
  leaving: Leaving,
  asked: readonly Asked[],
  {
    look,
    clock,
    timeoutMs,
  }: {
    readonly look: () => Promise<readonly RegionReport[]>;
    readonly clock: Clock;
    readonly timeoutMs: number;
  },
): Promise<Convergence> {
  const untilMs = clock.monotonicMs() + timeoutMs;
  for (;;) {
    const leftMs = Math.max(0, untilMs - clock.monotonicMs());
    const outcome = await untilConverged(asked, { clock, timeoutMs: leftMs });
    if (outcome.kind !== "converged") return outcome;
    const lacking = latecomers(leaving, await look());
    if (lacking.length === 0) return outcome;
    if (clock.monotonicMs() >= untilMs) return { kind: "waiting", lacking };
    await delay(limits.COMMAND_CONVERGE_LOOK_MS);
  }
}

/** What the region wrote and another does not hold yet. What others wrote is theirs to keep. */
function latecomers({ region, code }: Leaving, reports: readonly RegionReport[]): string[] {
  const own = reports.find(({ status }) => status?.region === region)?.status;
  if (own === undefined) return [`${region} does not answer any more`];
  const written = Object.entries(own.held).filter(
    ([origin]) => code === undefined || origin.startsWith(`${code}.`),
  );
  const mine = Object.fromEntries(written);
  return reports.flatMap(({ endpoint, name, status }) => {
    if (status === undefined) return [`${name ?? endpoint} does not answer any more`];
    const count = changesLacking(mine, status.held);
    if (count === 0) return [];
    const what = `${status.region} lacks ${countText(count, "change")} that ${region} took meanwhile`;
    return [`${what}: clients still write there`];
  });
}

export function leftByHand({ region, code, staying }: Leaving): string[] {
  const others = staying.join(", ");
  const entry = code === undefined ? region : `${region}: ${code}`;
  return [
    `See that no client reaches ${region} any more: what it is sent from now on is in no certificate.`,
    `Stop it with SIGTERM, and see that nothing starts it again: systemctl disable --now atoll. ` +
      "It would take writes that nobody else gets.",
    `In the configuration of ${others}: move ${entry} from cluster.regions to cluster.former, take it ` +
      "out of peers and forward, and restart them one after the other. Its code stays taken: its writes bear it.",
    `Take it out of your contexts (atoll context set), then: atoll verify converged --all`,
    `Keep its data directory until a backup of another region is proven (atoll backup verify).`,
  ];
}
