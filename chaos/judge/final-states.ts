/**
 * What each region holds when all is over, read as any client could: lists, and the history of every profile.
 *
 * Heads are hashes that cover everything below them, so two copies with the same heads hold the same changes:
 * the history of a profile is asked of one region for each set of heads, of another region for each profile.
 * A deleted profile is in no list; its history is, and tells its heads.
 */
import type { FinalDocument, FinalState } from "@atoll/simulation/checkers";
import { delay, must, systemClock } from "@atoll/core";
import type { Region } from "../fleet/fleet.ts";
import { areEqual } from "../fleet/fleet.ts";
import type { RegionStatus } from "../fleet/region-admin.ts";
import { restUrl } from "../fleet/region-plan.ts";

const PAGE = 500;
const HISTORY_PAGE = 1_000;
const REQUESTS_AT_A_TIME = 8;
const ANSWER_MS_MAX = 30_000;
/** A region's canary writes twice a minute, and is everywhere after a moment. */
const CANARY_MS_MAX = 10_000;
const LOOK_MS = 50;

interface Change {
  readonly hash: string;
  readonly deps: readonly string[];
}

interface Listed {
  readonly id: string;
  readonly heads: readonly string[];
  readonly data: unknown;
}

/** `ids`: every profile that was asked for, so that those that are not shown are looked at, too. */
export async function readFinalStates(
  regions: readonly Region[],
  ids: readonly string[],
): Promise<FinalState[]> {
  const histories = new Map<string, Promise<readonly Change[]>>();
  const changesOf = (region: Region, id: string, heads: string): Promise<readonly Change[]> => {
    const key = `${id} ${heads}`;
    let history = histories.get(key);
    if (history === undefined) histories.set(key, (history = readHistory(region, id)));
    return history;
  };
  const documentsOf: (readonly FinalDocument[])[] = [];
  // One region after the other: what they are asked is dear, and they share the machine.
  for (const [turn, region] of regions.entries()) {
    const listed = await readAll(region);
    const shown = new Set(listed.map(({ id }) => id));
    const hidden = ids.filter((id) => !shown.has(id));
    const mine = await inParallel(listed, async (profile, n): Promise<FinalDocument> => {
      const heads = [...profile.heads].sort().join("");
      // Spread over the regions: each vouches for a part of what all of them show.
      if (n % regions.length === turn) await changesOf(region, profile.id, heads);
      return documentOf(profile.id, heads, JSON.stringify(profile.data));
    });
    const gone = await inParallel(hidden, async (id): Promise<FinalDocument | undefined> => {
      const changes = await readHistory(region, id);
      if (changes.length === 0) return undefined;
      const heads = headsOf(changes);
      histories.set(`${id} ${heads}`, Promise.resolve(changes));
      return documentOf(id, heads, undefined);
    });
    documentsOf.push([...mine, ...gone.filter((document) => document !== undefined)]);
  }
  const statuses = await statusesOf(regions);
  return Promise.all(
    regions.map(async (region, turn): Promise<FinalState> => {
      const documents = must(documentsOf[turn], "documents");
      const about = aboutOf(must(statuses[turn], `the status of ${region.name}`));
      const all = await inParallel(documents, ({ docId, heads }) =>
        changesOf(region, docId, heads),
      );
      const changes = new Set(all.flat().map(({ hash }) => hash));
      return { ...about, region: region.name, documents, changes };
    }),
  );
}

function documentOf(id: string, heads: string, json: string | undefined): FinalDocument {
  return { docId: id, id, heads, json, hidden: undefined, isQuarantined: false };
}

/**
 * All at one moment, and not while a canary is on its way: it is in no list, but in the root. What goes on being
 * different is told as it is.
 */
async function statusesOf(regions: readonly Region[]): Promise<(RegionStatus | undefined)[]> {
  const untilMs = systemClock.monotonicMs() + CANARY_MS_MAX;
  for (;;) {
    const statuses = await Promise.all(regions.map(({ admin }) => admin.status()));
    if (areEqual(statuses) || systemClock.monotonicMs() > untilMs) return statuses;
    await delay(LOOK_MS);
  }
}

function aboutOf(status: RegionStatus): Omit<FinalState, "region" | "documents" | "changes"> {
  return {
    root: status.root,
    rootOfChanges: undefined,
    rootOfDocuments: undefined,
    rootOfBuckets: undefined,
    unloadable:
      status.counts.quarantined === 0 ? [] : [`${status.counts.quarantined} are set aside`],
    pending: status.counts.pending,
    ahead: status.peers.map(({ ahead }) => ahead ?? -1),
  };
}

async function readAll(region: Region): Promise<Listed[]> {
  const listed: Listed[] = [];
  let token: string | undefined;
  do {
    const query = new URLSearchParams({ pageSize: `${PAGE}`, ...(token && { pageToken: token }) });
    const page = (await get(region, `/v1/profiles?${query.toString()}`)) as {
      readonly items: readonly Listed[];
      readonly nextPageToken?: string;
    };
    listed.push(...page.items);
    token = page.nextPageToken;
  } while (token !== undefined);
  return listed;
}

async function readHistory(region: Region, id: string): Promise<Change[]> {
  const changes: Change[] = [];
  let token: string | undefined;
  do {
    const query = new URLSearchParams({
      pageSize: `${HISTORY_PAGE}`,
      ...(token && { pageToken: token }),
    });
    const page = (await get(region, `/v1/profiles/${id}/history?${query.toString()}`)) as
      { readonly items: readonly Change[]; readonly nextPageToken?: string } | undefined;
    changes.push(...(page?.items ?? []));
    token = page?.nextPageToken;
  } while (token !== undefined);
  return changes;
}

/** Those that nothing builds on. */
function headsOf(changes: readonly Change[]): string {
  const built = new Set(changes.flatMap(({ deps }) => deps));
  return changes
    .map(({ hash }) => hash)
    .filter((hash) => !built.has(hash))
    .sort()
    .join("");
}

/** Undefined for what is not there. */
async function get(region: Region, path: string): Promise<unknown> {
  const answer = await fetch(`${restUrl(region.plan)}${path}`, {
    signal: AbortSignal.timeout(ANSWER_MS_MAX),
  });
  const text = await answer.text();
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) throw new Error(`${region.name}: ${answer.status} ${path} ${text}`);
  return JSON.parse(text);
}

async function inParallel<T, R>(
  items: readonly T[],
  handle: (item: T, n: number) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  const work = async (): Promise<void> => {
    for (let n = next++; n < items.length; n = next++) {
      results[n] = await handle(items[n] as T, n);
    }
  };
  await Promise.all(Array.from({ length: REQUESTS_AT_A_TIME }, work));
  return results;
}
