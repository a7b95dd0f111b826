/**
 * Which edit is sent to which region, in which part of the demo.
 *
 *     edits in history order   0 %               50 %          75 %         100 %
 *     phase                    │ before the cut   │ cut          │ healed       │
 *                                                 ▲ eu-west-1 alone  ▲ link back
 *
 * Every editor works in one region, as people do. What an editor did at one moment is a batch: its edits
 * belong together and have no order among themselves, except on the same profile. Inside a phase a
 * region works off its batches in the order of history; the regions do not wait for each other, so
 * that the same profile is edited in several at once.
 */
import { createHash } from "node:crypto";
import { must } from "@atoll/core";
import type { Edit } from "./edit.ts";

export const PHASES = ["before", "cut", "healed"] as const;
export type Phase = (typeof PHASES)[number];

/** Edits by one editor at one moment. */
export type Batch = readonly Edit[];
export type ReplayPlan = Readonly<Record<Phase, ReadonlyMap<string, readonly Batch[]>>>;

const CUT_AT = 0.5;
const HEAL_AT = 0.75;

export interface ReplayOptions {
  readonly regions: readonly string[];
  /** Another seed gives the editors other regions. */
  readonly seed: string;
}

export function planReplay(edits: readonly Edit[], options: ReplayOptions): ReplayPlan {
  const cut = Math.floor(edits.length * CUT_AT);
  const heal = Math.floor(edits.length * HEAL_AT);
  return {
    before: batchesByRegion(edits.slice(0, cut), options),
    cut: batchesByRegion(edits.slice(cut, heal), options),
    healed: batchesByRegion(edits.slice(heal), options),
  };
}

/** The same for the same editor, seed and regions, on every machine. */
export function regionOfEditor(editor: number, { regions, seed }: ReplayOptions): string {
  const digest = createHash("sha256").update(`${seed}/${editor}`).digest();
  return must(regions[digest.readUInt32LE(0) % regions.length], "a region");
}

function batchesByRegion(edits: readonly Edit[], options: ReplayOptions): Map<string, Batch[]> {
  const batches = new Map<string, Edit[][]>(options.regions.map((region) => [region, []]));
  for (const edit of edits) {
    const lane = must(batches.get(regionOfEditor(edit.editor, options)), "the editor's region");
    const last = lane.at(-1);
    const first = last?.[0];
    if (last !== undefined && first?.editor === edit.editor && first.atMs === edit.atMs) {
      last.push(edit);
    } else lane.push([edit]);
  }
  return batches;
}
