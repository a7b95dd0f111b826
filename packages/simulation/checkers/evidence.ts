/** Everything that is known of a run when it is judged. */
import type { Call } from "../workload/history.ts";
import type { FinalState } from "./final-state.ts";

export interface Evidence {
  readonly history: { readonly calls: readonly Call[] };
  readonly finals: readonly FinalState[];
  /** Disks that lost what they had confirmed: answers of that region and time may be contradicted. */
  readonly losses: readonly {
    readonly region: number;
    readonly fromMs: number;
    readonly toMs: number;
  }[];
  /** Changes that no disk has any more, through faults that no store can survive. */
  readonly gone: ReadonlySet<string>;
}

/** Answered by a region that then lost what it had answered for. */
export function isShaky(
  evidence: Pick<Evidence, "losses">,
  call: { readonly region: number; readonly completedMs: number | undefined },
): boolean {
  const { completedMs } = call;
  if (completedMs === undefined) return false;
  return evidence.losses.some(
    ({ region, fromMs, toMs }) =>
      region === call.region && completedMs >= fromMs && completedMs <= toMs,
  );
}
