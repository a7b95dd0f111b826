/**
 * Profiles as text, so that what a profile showed can be read beside what was said of it.
 *
 *     NAME.txt       the functions with the most time of their own
 *     NAME.folded    `caller;callee micros`, as flame graphs are made of (speedscope reads it)
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CpuProfile } from "./cpu-profile.ts";
import type { Table } from "./table.ts";
import { rounded, tableText } from "./table.ts";

const FUNCTIONS = 40;
const SHARE_MIN = 0.001;
/** Names out of the module spell their types. */
const NAME_CHARS_MAX = 120;

export function writeProfile(directory: string, name: string, profile: CpuProfile): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, `${name}.txt`), `${tableText(profileTable(name, profile))}\n`);
  const stacks = profile.stacks(SHARE_MIN).map(shortenedStack).sort();
  writeFileSync(join(directory, `${name}.folded`), `${stacks.join("\n")}\n`);
}

function profileTable(name: string, { totalMs, bySelf }: CpuProfile): Table {
  return {
    title: `${name}: ${Math.round(totalMs)} ms sampled`,
    columns: ["function", "ms", "share"],
    rows: bySelf
      .slice(0, FUNCTIONS)
      .map(({ where, selfMs, share }) => [shortened(where), rounded(selfMs, 1), rounded(share)]),
  };
}

/** `caller;callee micros` */
function shortenedStack(line: string): string {
  const end = line.lastIndexOf(" ");
  return `${line.slice(0, end).split(";").map(shortened).join(";")}${line.slice(end)}`;
}

function shortened(name: string): string {
  return name.length <= NAME_CHARS_MAX ? name : `${name.slice(0, NAME_CHARS_MAX)}…`;
}
