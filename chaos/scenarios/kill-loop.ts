/** 20: killed at any moment, again and again: while it writes, checkpoints, catches up, starts. */
import { EU, US } from "../fleet/region-plan.ts";
import { linkDown } from "../judge/signal.ts";
import type { Scenario } from "../scenario.ts";

/** Target 1 s on a machine of its own; here four processes share two cores. */
const READY_MS_MAX = 10_000;

export const killLoop: Scenario = {
  name: "kill-loop",
  numbers: [20],
  hypothesis: {
    steady: "three regions serve reads and writes",
    fault: `${US} is killed (SIGKILL) under load and started again, over and over`,
    expectation: "each start recovers by itself; not one acknowledged write is lost",
  },
  load: { rate: 200, readRate: 0.15 },
  seconds: { quick: 14, full: 3_600 },
  convergeMsMax: 15_000,
  signal: linkDown(EU, US),
  async act(stage) {
    const region = stage.region(US);
    const readyMs: number[] = [];
    const untilMs = stage.nowMs() + stage.seconds * 1_000;
    await stage.during(`${US} is killed over and over`, [US], async () => {
      while (stage.nowMs() < untilMs || readyMs.length < 3) {
        await region.process.kill();
        readyMs.push(await region.process.start());
        await stage.wait(0.5 + 1.5 * stage.random.float());
      }
    });
    readyMs.sort((a, b) => a - b);
    const p99 = readyMs[Math.floor(readyMs.length * 0.99)] ?? Infinity;
    const detail = `${readyMs.length} kills, p99 ${p99.toFixed(0)} ms, at most ${READY_MS_MAX}`;
    stage.expect("every start is ready soon", p99 <= READY_MS_MAX, detail);
  },
};
