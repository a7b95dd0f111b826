/** 13: a link that hardly moves must not slow down anybody who does not use it. */
import type { Call } from "@atoll/simulation/workload";
import { EU, US } from "../fleet/region-plan.ts";
import { setPair } from "../network/links.ts";
import type { Scenario } from "../scenario.ts";

const BYTES_PER_SECOND = 8_000;
/** Of reads without a session: twice what they took before, and a busy machine. */
const SLOWER_FACTOR_MAX = 2;
const SLOWER_MS_MAX = 100;

export const slowLink: Scenario = {
  name: "slow-link",
  numbers: [13],
  hypothesis: {
    steady: "three regions serve reads and writes",
    fault: `8 KB/s and 400 ms ± 200 between ${US} and ${EU}`,
    expectation: "local reads are as fast as before; memory is bounded; it catches up when mended",
  },
  needs: ["delay", "bandwidth"],
  load: { rate: 60 },
  seconds: { quick: 10, full: 300 },
  convergeMsMax: 20_000,
  async act(stage) {
    const { links } = stage;
    const startedMs = stage.nowMs();
    await stage.during(`${US} – ${EU} is slow`, [], async () => {
      const slow = { delayMs: 300, jitterMs: 200, bytesPerSecond: BYTES_PER_SECOND };
      setPair(links, US, EU, slow);
      await stage.wait(stage.seconds);
      links.clear();
    });
    const before = p99(stage.calls, ({ completedMs = 0 }) => completedMs < startedMs);
    const during = p99(stage.calls, ({ invokedMs }) => invokedMs >= startedMs);
    const most = Math.max(before * SLOWER_FACTOR_MAX, before + SLOWER_MS_MAX);
    const detail = `p99 ${before.toFixed(0)} → ${during.toFixed(0)} ms, at most ${most.toFixed(0)}`;
    stage.expect("local reads are not slowed down", during <= most, detail);
  },
};

/** Of reads that wait for nobody. */
function p99(calls: readonly Call[], isMeant: (call: Call) => boolean): number {
  const took = calls
    .filter((call) => call.edit === undefined && call.token === undefined && isMeant(call))
    .flatMap(({ invokedMs, completedMs }) =>
      completedMs === undefined ? [] : [completedMs - invokedMs],
    )
    .sort((a, b) => a - b);
  return took[Math.floor(took.length * 0.99)] ?? 0;
}
