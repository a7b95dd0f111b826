/**
 * Is this cluster well, and if not, why? One judgement for `atoll status`, `atoll watch` and the scripts
 * that ask them.
 *
 * Unequal roots alone are no illness: while writes are under way two regions always differ. A region
 * says `differs` about a peer only after comparing at a moment that both had reached.
 */
import type { RegionStatus } from "@atoll/server";
import type { LinkVerdict, Waiting } from "./link-verdict.ts";
import { connectedParts, linkVerdicts } from "./link-verdict.ts";

export interface RegionReport {
  readonly endpoint: string;
  /** As the context calls it; known of a region that does not answer, too. */
  readonly name?: string | undefined;
  /** Undefined when it does not answer. */
  readonly status: RegionStatus | undefined;
}

export interface Health {
  readonly healthy: boolean;
  /** What is wrong, one sentence each. */
  readonly faults: readonly string[];
  readonly links: readonly LinkVerdict[];
  /** Regions that others speak of, and that were not asked themselves. */
  readonly unasked: readonly string[];
  /** More than one in a split brain. A region that does not answer is down, and no part that serves. */
  readonly parts: readonly (readonly string[])[];
}

/** What to do, and what not to be afraid of; undefined when every link is live. Never "choose a side". */
export function linkAdvice(links: readonly LinkVerdict[]): string | undefined {
  const states = new Set(links.map(({ state }) => state));
  states.delete("live");
  if (states.size === 0) return undefined;
  // Of a region that does not answer nobody here knows whether it serves.
  if (states.has("unreachable")) {
    return (
      "The regions that answer keep serving reads and writes; what another acknowledged is on its disk. " +
      "Bring it back, or the way to it: they merge by themselves."
    );
  }
  const mend =
    states.size === 1 && states.has("paused") ? "Resume it (atoll peer resume)" : "Fix the link";
  return `Both sides keep serving reads and writes; nothing is lost. ${mend}: they merge by themselves.`;
}

/** Why some numbers are missing; undefined when nobody was left out. */
export function unaskedText(
  reports: readonly RegionReport[],
  { unasked }: Pick<Health, "unasked">,
): string | undefined {
  if (unasked.length === 0) return undefined;
  const asked = reports.map(({ endpoint, name, status }) => status?.region ?? name ?? endpoint);
  return (
    `Asked ${asked.join(", ")} only. What ${unasked.join(", ")} would say is unknown: “?” is what waits ` +
    "there. Give --endpoint for each region, or a --context."
  );
}

export function judgeCluster(reports: readonly RegionReport[]): Health {
  const named = reports.map((report) => [
    report.status?.region ?? report.name ?? report.endpoint,
    report.status,
  ]);
  const links = linkVerdicts(new Map(named as [string, RegionStatus | undefined][]));
  const faults = [
    ...reports.flatMap(regionFaults),
    ...links.filter(({ state }) => state !== "live").map(linkFault),
    ...divergenceFaults(reports),
  ];
  const asked = new Set(named.map(([name]) => name));
  const unasked = [...new Set(links.flatMap(({ between }) => between))].filter(
    (name) => !asked.has(name),
  );
  const answering = new Set(reports.map(({ status }) => status?.region));
  const parts = connectedParts(links).filter((part) => part.some((name) => answering.has(name)));
  return { healthy: faults.length === 0, faults, links, unasked, parts };
}

/** How much each side has for the other: empty when nothing waits. */
export function waitingText(waiting: readonly Waiting[]): string {
  const texts = waiting
    .filter(({ changes }) => changes !== 0)
    .map(({ holder, lacking, changes }) => `${changes ?? "?"} in ${holder} for ${lacking}`);
  return texts.join(", ");
}

function regionFaults({ endpoint, name, status }: RegionReport): string[] {
  if (status === undefined) {
    const who = name === undefined ? endpoint : `${name} (${endpoint})`;
    return [`${who} does not answer`];
  }
  const { region, ready, drained, counts } = status;
  const faults: string[] = [];
  if (drained) faults.push(`${region} is drained by an operator: clients are to go elsewhere`);
  else if (!ready) faults.push(`${region} is not ready`);
  if (counts.quarantined > 0)
    faults.push(`${region} has ${counts.quarantined} quarantined changes`);
  return faults;
}

function linkFault({ between, state, cut, cause, since, waiting }: LinkVerdict): string {
  const [a, b] = between;
  const [first] = cut;
  const what =
    state === "one-way"
      ? `CUT ${first?.from ?? a} → ${first?.to ?? b}, one direction only`
      : {
          paused: "PAUSED",
          refused: "REFUSED",
          unreachable: "DOWN",
          cut: "CUT in both directions",
          live: "live",
        }[state];
  const waits = waitingText(waiting);
  return [
    `link ${a} – ${b}: ${what}${since === null ? "" : ` since ${since}`}`,
    cause,
    waits === "" ? "nothing waits" : `waiting: ${waits}`,
  ].join("; ");
}

function divergenceFaults(reports: readonly RegionReport[]): string[] {
  const pairs = new Set<string>();
  for (const { status } of reports) {
    for (const peer of status?.peers ?? []) {
      if (peer.root !== "differs" || status === undefined) continue;
      pairs.add([status.region, peer.region].sort().join(" and "));
    }
  }
  return [...pairs].map(
    (pair) => `${pair} have diverged: they differ at a moment that both had reached`,
  );
}
