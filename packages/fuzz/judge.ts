/** What is wrong with how a door took an input: nothing, an error of no type, a broken promise, or too much time. */
import type { OpenTarget } from "./target.ts";

/** The first time may have paid for the garbage of others. */
const TRIES = 3;

export async function faultOf(
  target: OpenTarget,
  input: Uint8Array,
  /** Of processor time, because the machine has others to serve. */
  microsMax = Infinity,
): Promise<string | undefined> {
  try {
    const micros = await timeOf(target, input);
    if (micros <= microsMax) return undefined;
    let best = micros;
    for (let tries = 1; tries < TRIES; tries++) best = Math.min(best, await timeOf(target, input));
    return best > microsMax ? `it takes ${Math.round(best / 1_000)} ms` : undefined;
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}

async function timeOf(target: OpenTarget, input: Uint8Array): Promise<number> {
  const before = process.cpuUsage();
  await target.run(input);
  const { user, system } = process.cpuUsage(before);
  return user + system;
}
