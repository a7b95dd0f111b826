/** 29: everybody comes back at once. */
import { once } from "node:events";
import type { Socket } from "node:net";
import { connect } from "node:net";
import { systemClock } from "@atoll/core";
import type { Region } from "../fleet/fleet.ts";
import { US } from "../fleet/region-plan.ts";
import type { Scenario } from "../scenario.ts";

const CLIENTS_QUICK = 1_000;
const CLIENTS_FULL = 10_000;
const RECOVERY_MS_MAX = 30_000;
/** Answers that tell a client what to do: served, not there, or come again. */
const ANSWERS = [200, 404, 429, 503];

export const thunderingHerd: Scenario = {
  name: "thundering-herd",
  numbers: [29],
  hypothesis: {
    steady: "three regions serve reads and writes",
    fault: `${US} comes back from an outage, and a thousand clients connect and ask at the same moment`,
    expectation: "each is answered, if only with 503; the region lives and serves within 30 s",
  },
  seconds: { quick: 2, full: 60 },
  convergeMsMax: 30_000,
  async act(stage) {
    const region = stage.region(US);
    const count = stage.seconds > 10 ? CLIENTS_FULL : CLIENTS_QUICK;
    await stage.during(`${US} is killed, and ${count} clients come at once`, [US], async () => {
      await region.process.kill();
      await stage.wait(stage.seconds);
      await region.process.start();
      const answers = await Promise.all(Array.from({ length: count }, () => ask(region)));
      const statuses = Map.groupBy(answers, ({ status }) => status);
      const detail = [...statuses].map(([status, all]) => `${all.length} × ${status}`).join(", ");
      const unanswered = answers.filter(({ status }) => !ANSWERS.includes(status));
      stage.expect("every client is answered", unanswered.length === 0, detail);
      const took = answers.map(({ ms }) => ms).sort((a, b) => a - b);
      const p99 = took[Math.floor(took.length * 0.99)] ?? Infinity;
      const detailMs = `p99 ${p99.toFixed(0)} ms, at most ${RECOVERY_MS_MAX}`;
      stage.expect("and soon", p99 <= RECOVERY_MS_MAX, detailMs);
    });
    stage.expect(`${US} lives`, region.process.isUp);
  },
};

/** A connection of its own for one read. Status 0: no answer. */
async function ask(region: Region): Promise<{ readonly status: number; readonly ms: number }> {
  const startedMs = systemClock.monotonicMs();
  const { host, ports } = region.plan;
  const socket: Socket = connect({ host, port: ports.rest });
  const timer = systemClock.after(RECOVERY_MS_MAX, () => socket.destroy());
  try {
    await once(socket, "connect");
    socket.write(`GET /v1/profiles/m1 HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
    let text = "";
    for await (const chunk of socket) text += String(chunk);
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0);
    return { status, ms: systemClock.monotonicMs() - startedMs };
  } catch {
    return { status: 0, ms: systemClock.monotonicMs() - startedMs };
  } finally {
    timer.cancel();
    socket.destroy();
  }
}
