/**
 * What is wrong with the link between two regions, from what both sides say of it.
 *
 * Neither side alone can tell: a link that is cut in one direction, in both, or whose other end has died
 * looks the same to whoever hears nothing. Together they can. A region that hears nothing says so before it
 * hangs up; where its words arrive, the cut is one-way. What waits is the difference of what both hold, and
 * not what they last told each other, so that changes which go around through a third region are not counted.
 */
import type { PeerStatus, RegionStatus } from "@atoll/server";

export type LinkState = "live" | "paused" | "cut" | "one-way" | "refused" | "unreachable";

export interface LinkVerdict {
  /** Two region names, in order. */
  readonly between: readonly [string, string];
  readonly state: LinkState;
  /** The direction in which nothing comes through; both when not one-way. */
  readonly cut: readonly { readonly from: string; readonly to: string }[];
  readonly cause: string;
  /** RFC 3339, by the clock of the region that noticed first. */
  readonly since: string | null;
  readonly waiting: readonly Waiting[];
}

export interface Waiting {
  readonly holder: string;
  readonly lacking: string;
  /** Null where one of them does not answer. */
  readonly changes: number | null;
}

interface Side {
  readonly name: string;
  readonly status: RegionStatus | undefined;
  /** False of a region that only others speak of: its silence means nothing. */
  readonly isAsked: boolean;
  /** What it says of the other. */
  readonly peer: PeerStatus | undefined;
}

/** Heard within this, after the link was lost: something comes through. Longer than two attempts take. */
const HEARD_MS_MAX = 20_000;
/** What was under way when the link was lost may still have arrived. */
const AFTER_LOSS_MS = 1_000;

/** `undefined` where a region does not answer the command. */
export function linkVerdicts(
  statusByRegion: ReadonlyMap<string, RegionStatus | undefined>,
): LinkVerdict[] {
  const names = [...regionNames(statusByRegion)].sort();
  return names.flatMap((one, i) =>
    names.slice(i + 1).flatMap((other) => {
      const a = sideOf(statusByRegion, one, other);
      const b = sideOf(statusByRegion, other, one);
      return a.peer === undefined && b.peer === undefined ? [] : [verdictOf(a, b)];
    }),
  );
}

/** Regions that are linked with each other, directly or through others; one group when all are. */
export function connectedParts(verdicts: readonly LinkVerdict[]): string[][] {
  const parts = new Map<string, Set<string>>();
  for (const { between, state } of verdicts) {
    for (const name of between) if (!parts.has(name)) parts.set(name, new Set([name]));
    if (state !== "live") continue;
    const [a, b] = between.map((name) => parts.get(name) ?? new Set([name]));
    const joined = new Set([...(a ?? []), ...(b ?? [])]);
    for (const name of joined) parts.set(name, joined);
  }
  return [...new Set(parts.values())].map((part) => [...part].sort());
}

function regionNames(statusByRegion: ReadonlyMap<string, RegionStatus | undefined>): Set<string> {
  const names = new Set(statusByRegion.keys());
  for (const status of statusByRegion.values()) {
    for (const { region } of status?.peers ?? []) names.add(region);
  }
  return names;
}

function sideOf(
  statusByRegion: ReadonlyMap<string, RegionStatus | undefined>,
  name: string,
  other: string,
): Side {
  const status = statusByRegion.get(name);
  const isAsked = statusByRegion.has(name);
  return { name, status, isAsked, peer: status?.peers.find(({ region }) => region === other) };
}

function verdictOf(a: Side, b: Side): LinkVerdict {
  const common = {
    between: [a.name, b.name] as const,
    since: sinceOf(a, b),
    waiting: [waitingIn(a, b), waitingIn(b, a)],
  };
  const sides = [a, b].filter(({ peer }) => peer !== undefined);
  if (sides.every(({ peer }) => peer?.state === "live")) {
    return { ...common, state: "live", cut: [], cause: "live" };
  }
  const both = [
    { from: a.name, to: b.name },
    { from: b.name, to: a.name },
  ];
  const pausing = sides.filter(({ peer }) => peer?.state === "paused").map(({ name }) => name);
  if (pausing.length > 0) {
    const cause = `paused by an operator at ${pausing.join(" and ")}`;
    return { ...common, state: "paused", cut: both, cause };
  }
  const refusal = sides.map(({ peer }) => refusalOf(peer)).find((text) => text !== undefined);
  if (refusal !== undefined) return { ...common, state: "refused", cut: both, cause: refusal };
  const silent = [a, b].find(({ status }) => status === undefined);
  if (silent !== undefined) {
    const witness = silent === a ? b : a;
    const why = silent.isAsked ? "is down or out of reach" : "was not asked";
    const cause = `${silent.name} ${why}: ${lossText(witness)}`;
    return { ...common, state: "unreachable", cut: both, cause };
  }
  const deaf = oneWay(a, b) ?? oneWay(b, a);
  if (deaf !== undefined) {
    const cause = `${deaf.to} hears nothing from ${deaf.from}; ${deaf.to} → ${deaf.from} comes through`;
    return { ...common, state: "one-way", cut: [deaf], cause };
  }
  const cause = `neither hears the other: ${lossText(a)}; ${lossText(b)}`;
  return { ...common, state: "cut", cut: both, cause };
}

/** `from` hears `to`, and `to` does not hear `from`. */
function oneWay(from: Side, to: Side): { readonly from: string; readonly to: string } | undefined {
  const wasUnheard = from.peer?.loss?.cause === "unheard" && to.peer?.loss?.cause === "silence";
  const isDeaf = !hears(to) && (hears(from) || wasUnheard);
  return isDeaf ? { from: from.name, to: to.name } : undefined;
}

function hears({ peer }: Side): boolean {
  if (peer === undefined) return false;
  if (peer.state === "live") return true;
  const { lastHeardMs, loss } = peer;
  if (lastHeardMs === null || lastHeardMs > HEARD_MS_MAX) return false;
  return loss === null || loss.agoMs - lastHeardMs > AFTER_LOSS_MS;
}

/** What one side has against the other's version, cluster, certificate or identity; no outage at all. */
function refusalOf(peer: PeerStatus | undefined): string | undefined {
  if (peer?.loss?.cause === "refused") return peer.loss.detail;
  const text = peer?.lastFailure ?? "";
  const isAboutReach = /silent for|paused|handshake timed out|stopping|replaced by/.test(text);
  return text.startsWith("refused by peer") && !isAboutReach ? text : undefined;
}

function lossText({ name, peer }: Side): string {
  if (peer === undefined) return `${name} says nothing of it`;
  const { loss, lastFailure } = peer;
  const text = loss?.detail ?? lastFailure ?? "not linked since it started";
  const attempt = loss !== null && lastFailure !== null && lastFailure !== loss.detail;
  return `${name}: ${text}${attempt ? `, last attempt: ${lastFailure}` : ""}`;
}

function sinceOf(a: Side, b: Side): string | null {
  const times = [a, b].flatMap(({ peer, status }) => {
    if (peer === undefined) return [];
    return [peer.since ?? status?.startedAt].filter((time) => time !== undefined);
  });
  const isLive = [a, b].every(({ peer }) => peer === undefined || peer.state === "live");
  const sorted = times.sort();
  return (isLive ? sorted.at(-1) : sorted[0]) ?? null;
}

function waitingIn(holder: Side, lacking: Side): Waiting {
  const names = { holder: holder.name, lacking: lacking.name };
  const [mine, theirs] = [holder.status?.held, lacking.status?.held];
  if (mine === undefined) return { ...names, changes: null };
  if (theirs === undefined) return { ...names, changes: holder.peer?.ahead ?? null };
  return { ...names, changes: changesLacking(mine, theirs) };
}

/** How many of the entries that one holds, by origin, the other does not. */
export function changesLacking(mine: RegionStatus["held"], theirs: RegionStatus["held"]): number {
  return Object.entries(mine).reduce(
    (sum, [origin, count]) => sum + Math.max(0, count - (theirs[origin] ?? 0)),
    0,
  );
}
