/** How long after the answer to a write in one region another one shows it, as clients of both see it. */
import { assert, delay, systemClock } from "@atoll/core";
import { percentile } from "./percentile.ts";

const LOOK_MS = 2;
const WAIT_MS_MAX = 30_000;

/** One write after the other, each looked for until it is there. */
export async function httpLag(options: {
  readonly from: number;
  readonly to: number;
  readonly probes: number;
}): Promise<{ p50Ms: number; maxMs: number }> {
  const path = "v1/profiles/lag-probe";
  const lags: number[] = [];
  for (let n = 0; n < options.probes; n++) {
    const headline = `Probe ${systemClock.nowMs()} ${n}`;
    const written = await fetch(`http://127.0.0.1:${options.from}/${path}?upsert=true`, {
      method: "PATCH",
      headers: { "content-type": "application/merge-patch+json" },
      body: JSON.stringify({ headline }),
    });
    assert(written.ok, "the probe is written");
    await written.arrayBuffer();
    const startMs = systemClock.monotonicMs();
    for (;;) {
      const read = await fetch(`http://127.0.0.1:${options.to}/${path}`);
      const waitedMs = systemClock.monotonicMs() - startMs;
      if ((await read.text()).includes(headline)) {
        lags.push(waitedMs);
        break;
      }
      assert(waitedMs < WAIT_MS_MAX, "a write is seen in the other region");
      await delay(LOOK_MS);
    }
  }
  return { p50Ms: percentile(lags, 0.5), maxMs: percentile(lags, 1) };
}
