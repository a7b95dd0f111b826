/**
 * Does one region hold what another has written so far? Asked as a client may: a session that writes here and
 * reads there. Nothing rests on what regions say of each other, nor on any clock.
 */
import { systemClock } from "@atoll/core";
import type { Region } from "./fleet.ts";
import { restUrl } from "./region-plan.ts";

const ANSWER_MS_MAX = 5_000;

/** The token of a session that has just written in this region; undefined when it could not. */
export async function writeProbe(region: Region): Promise<string | undefined> {
  try {
    const answer = await fetch(`${urlOf(region, region)}?upsert=true`, {
      method: "PATCH",
      headers: { "content-type": "application/merge-patch+json" },
      // Another value each time: a write that changes nothing is not recorded.
      body: JSON.stringify({ displayName: `probe ${systemClock.monotonicMs()}` }),
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    });
    await answer.arrayBuffer();
    return answer.ok ? (answer.headers.get("session-token") ?? undefined) : undefined;
  } catch {
    return undefined;
  }
}

/** True when `to` can serve a session that has seen this. */
export async function seesProbe(from: Region, to: Region, token: string): Promise<boolean> {
  try {
    const answer = await fetch(urlOf(to, from), {
      headers: { "session-token": token, prefer: "handling=strict, wait=0" },
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    });
    await answer.arrayBuffer();
    return answer.status === 200;
  } catch {
    return false;
  }
}

function urlOf(asked: Region, writer: Region): string {
  return `${restUrl(asked.plan)}/v1/profiles/f-probe-${writer.name}`;
}
