/**
 * What happened, second by second, as one picture: SVG that needs nothing but a browser.
 *
 *     writes/s     one line a region, and the refusals under it
 *     reads/s
 *     lag          the oldest thing a region has not yet heard of another, seconds
 *     divergence   entries that a region knows it lacks
 *     ░░░          faults, across all of them
 *
 * Divergence and lag are what the regions say; writes and reads are what clients were told.
 */
import type { Call } from "@atoll/simulation/workload";
import type { Sample } from "../run/observer.ts";
import type { FaultRecord } from "../run/stage.ts";
import { escapeHtml } from "./escape-html.ts";

const WIDTH = 960;
const LEFT = 90;
const PANEL = 90;
const GAP = 30;
const TOP = 72;
/** Where the words of faults begin, and how many may lie above each other. */
const LABELS_TOP = 30;
const LABEL_ROW = 13;
const LABEL_ROWS = 3;
/** As wide as a letter is on average, and a little more. */
const LETTER = 6;
const COLORS = ["#1f6feb", "#d1741f", "#2c9a5b"];
const BUCKET_MS = 1_000;

export interface TimelineFacts {
  readonly regions: readonly string[];
  readonly calls: readonly Call[];
  readonly samples: readonly Sample[];
  readonly faults: readonly FaultRecord[];
  readonly endMs: number;
}

/** A value that nobody knows leaves a gap. */
type Point = readonly [atMs: number, value: number | undefined];

interface Panel {
  readonly title: string;
  /** By region. */
  readonly lines: readonly (readonly Point[])[];
}

export function timelineSvg(facts: TimelineFacts): string {
  const { regions, faults, endMs } = facts;
  const panels = panelsOf(facts);
  const height = TOP + panels.length * (PANEL + GAP);
  const x = (ms: number): number => LEFT + (ms / Math.max(1, endMs)) * (WIDTH - LEFT - 10);
  const shades = faults.map(({ what, fromMs, toMs }) => {
    const from = x(fromMs);
    const width = Math.max(2, x(toMs ?? endMs) - from);
    const box = `<rect x="${n(from)}" y="${TOP - 8}" width="${n(width)}" height="${height - TOP}" class="shade">`;
    return `${box}<title>${escapeHtml(what)}</title></rect>`;
  });
  const drawn = panels.map((panel, i) => drawPanel(panel, TOP + i * (PANEL + GAP), x));
  const seconds = Array.from({ length: Math.floor(endMs / 5_000) + 1 }, (_, i) => i * 5);
  const ticks = seconds.map(
    (s) => `<text x="${n(x(s * 1_000))}" y="${height - 4}" class="tick">${s} s</text>`,
  );
  const legend = regions.map(
    (name, i) =>
      `<text x="${LEFT + i * 170}" y="12" style="fill:${COLORS[i % COLORS.length]}">■ ${escapeHtml(name)}</text>`,
  );
  return (
    `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" xmlns="http://www.w3.org/2000/svg">` +
    [...shades, ...labelsOf(faults, x), ...legend, ...drawn, ...ticks].join("") +
    `</svg>`
  );
}

function panelsOf({ regions, calls, samples, endMs }: TimelineFacts): Panel[] {
  const ended = (isMeant: (call: Call) => boolean): Panel["lines"] =>
    regions.map((_, place) =>
      perSecond(
        calls.filter((call) => call.region === place && isMeant(call)),
        endMs,
      ),
    );
  const sampled = (value: (sample: Sample) => number | undefined): Panel["lines"] =>
    regions.map((region) =>
      samples
        .filter((sample) => sample.region === region)
        .map((sample) => [sample.atMs, value(sample)] as const),
    );
  return [
    { title: "writes/s", lines: ended((call) => call.edit !== undefined && isServed(call)) },
    { title: "reads/s", lines: ended((call) => call.edit === undefined && isServed(call)) },
    { title: "not served/s", lines: ended((call) => !isServed(call)) },
    { title: "lag, s", lines: sampled(({ said }) => said && worst(said.peers, "lagMs") / 1_000) },
    { title: "entries lacked", lines: sampled(({ said }) => said && worst(said.peers, "behind")) },
    {
      title: "memory, MiB",
      lines: sampled(({ residentBytes }) => residentBytes && residentBytes / 1_048_576),
    },
  ];
}

function isServed({ outcome }: Call): boolean {
  return outcome?.kind === "found" || outcome?.kind === "absent";
}

function worst(peers: NonNullable<Sample["said"]>["peers"], what: "lagMs" | "behind"): number {
  return Math.max(0, ...peers.map((peer) => peer[what] ?? 0));
}

function perSecond(calls: readonly Call[], endMs: number): Point[] {
  const counts = new Array<number>(Math.floor(endMs / BUCKET_MS) + 1).fill(0);
  for (const { completedMs } of calls) {
    if (completedMs === undefined) continue;
    const bucket = Math.min(counts.length - 1, Math.floor(completedMs / BUCKET_MS));
    counts[bucket] = (counts[bucket] ?? 0) + 1;
  }
  return counts.map((count, i) => [i * BUCKET_MS, count]);
}

/** Each in the first row in which it has room; what has room in none is told when one points at its shade. */
function labelsOf(faults: readonly FaultRecord[], x: (ms: number) => number): string[] {
  const endOfRow = new Array<number>(LABEL_ROWS).fill(0);
  return faults.flatMap(({ what, fromMs }) => {
    const width = what.length * LETTER;
    const from = Math.max(0, Math.min(x(fromMs) + 3, WIDTH - width));
    const row = endOfRow.findIndex((end) => end <= from);
    if (row < 0) return [];
    endOfRow[row] = from + width;
    const place = `x="${n(from)}" y="${LABELS_TOP + row * LABEL_ROW}"`;
    return [`<text ${place} class="fault">${escapeHtml(what)}</text>`];
  });
}

function drawPanel(panel: Panel, top: number, x: (ms: number) => number): string {
  const most = Math.max(1, ...panel.lines.flat().map(([, value]) => value ?? 0));
  const y = (value: number): number => top + PANEL - (value / most) * PANEL;
  const lines = panel.lines.flatMap((points, i) =>
    unbroken(points).map((piece) => {
      const path = piece.map(([ms, value]) => `${n(x(ms))},${n(y(value))}`).join(" ");
      return `<polyline points="${path}" fill="none" stroke="${COLORS[i % COLORS.length]}"/>`;
    }),
  );
  return (
    `<line x1="${LEFT}" y1="${top + PANEL}" x2="${WIDTH - 10}" y2="${top + PANEL}" class="axis"/>` +
    `<text x="0" y="${top + 12}">${panel.title}</text>` +
    `<text x="0" y="${top + 28}" class="tick">at most ${most >= 10 ? most.toFixed(0) : most.toFixed(1)}</text>` +
    lines.join("")
  );
}

/** The pieces of a line between which nothing is known. */
function unbroken(points: readonly Point[]): (readonly (readonly [number, number])[])[] {
  const pieces: [number, number][][] = [[]];
  for (const [atMs, value] of points) {
    if (value === undefined) pieces.push([]);
    else pieces.at(-1)?.push([atMs, value]);
  }
  return pieces.filter(({ length }) => length > 0);
}

function n(value: number): string {
  return value.toFixed(1);
}
