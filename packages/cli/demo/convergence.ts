/**
 * The proof: are all regions equal, and since when?
 *
 *   caught up   every region has everything that any of them had written when the link came back;
 *               holds in the middle of further writes, because coverage says up to when, not how much
 *   converged   no writes under way, equal roots, nothing waiting
 *   identical   the bytes of every profile, read from every region: what the roots promise, looked at
 */
import type { Clock } from "@atoll/core";
import { delay, limits } from "@atoll/core";
import type { RegionStatus } from "@atoll/server";
import { forEachConcurrently } from "../concurrency.ts";
import type { HttpClient } from "../http-client.ts";

/** Undefined for a region that does not answer. */
export type ReadStatuses = () => Promise<readonly (RegionStatus | undefined)[]>;

/** Milliseconds that it took; undefined when it did not happen in time. */
export async function untilCaughtUp(
  readStatuses: ReadStatuses,
  clock: Clock,
): Promise<number | undefined> {
  const goal = new Map<string, number>();
  for (const status of await readStatuses()) {
    if (status !== undefined) goal.set(status.region, coveredMs(status, status.region));
  }
  return until(clock, async () => {
    const statuses = await readStatuses();
    return statuses.every(
      (status) =>
        status !== undefined &&
        [...goal].every(([region, atMs]) => coveredMs(status, region) >= atMs),
    );
  });
}

/** Milliseconds that it took; undefined when it did not happen in time. */
export function untilConverged(
  readStatuses: ReadStatuses,
  clock: Clock,
): Promise<number | undefined> {
  return until(clock, async () => areEqual(await readStatuses()));
}

export function areEqual(statuses: readonly (RegionStatus | undefined)[]): boolean {
  const root = statuses[0]?.root;
  return statuses.every(
    (status) =>
      status !== undefined &&
      status.root === root &&
      status.counts.pending === 0 &&
      status.peers.every((peer) => peer.behind === 0),
  );
}

export interface Comparison {
  /** Profiles that exist in every region. */
  present: number;
  /** Profiles that exist in none. */
  absent: number;
  conflicted: number;
  /** Ids whose answers differ. */
  readonly different: string[];
}

/** Reads every profile in every region and compares status, entity-tag and bytes. */
export async function compareProfiles(
  client: Pick<HttpClient, "send">,
  restUrls: readonly string[],
  ids: Iterable<string>,
): Promise<Comparison> {
  const comparison: Comparison = { present: 0, absent: 0, conflicted: 0, different: [] };
  await forEachConcurrently(ids, limits.DEMO_BATCH_CONCURRENCY, async (id) => {
    const path = `/v1/profiles/${encodeURIComponent(id)}`;
    const answers = await Promise.all(
      restUrls.map((origin) => client.send({ method: "GET", url: `${origin}${path}` })),
    );
    const [first] = answers;
    const isSame = answers.every(
      ({ status, headers, body }) =>
        status === first?.status &&
        (status === 404 || (body === first.body && headers["etag"] === first.headers["etag"])),
    );
    if (!isSame || first === undefined || (first.status !== 200 && first.status !== 404)) {
      comparison.different.push(id);
    } else if (first.status === 404) comparison.absent++;
    else {
      comparison.present++;
      if (first.headers["conflicts"] === "?1") comparison.conflicted++;
    }
  });
  return comparison;
}

function coveredMs({ coverage }: RegionStatus, region: string): number {
  const text = coverage[region];
  return text === undefined ? 0 : Date.parse(text);
}

async function until(clock: Clock, isSo: () => Promise<boolean>): Promise<number | undefined> {
  const startMs = clock.monotonicMs();
  for (;;) {
    const isDone = await isSo();
    const tookMs = clock.monotonicMs() - startMs;
    if (isDone) return tookMs;
    if (tookMs > limits.DEMO_CONVERGE_MS_MAX) return undefined;
    await delay(limits.DEMO_LOOK_MS);
  }
}
