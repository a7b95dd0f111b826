/**
 * A runbook page as the drill reads it. To a person it is Markdown; what is executed is what the person would
 * type, and what is expected is what the page shows, so that neither can be different from the other.
 *
 *     ---                            front matter: which alerts lead here, and the drill
 *     alerts: [SplitBrain]
 *     drill: { fault: [cut us-east-1 eu-west-1], … }
 *     ---
 *     ```sh exit=3 within=15s        executed; asked again until it is so, or the time is over
 *     atoll status
 *     ```
 *     ```text                        lines that its output must have, in this order; … stands for anything
 *     …cut…
 *     ```
 *     <!-- drill: heal -->           an act of the drill that readers do not see
 */
import { parse } from "yaml";
import { z } from "zod";

export interface Page {
  /** Of the file, without `.md`. */
  readonly name: string;
  readonly title: string;
  readonly alerts: readonly string[];
  readonly drill: DrillPlan;
  readonly steps: readonly Step[];
  /** Headings of the second rank, in order. */
  readonly sections: readonly string[];
}

export interface DrillPlan {
  /** Acts that bring about what the page is about; see acts.ts. */
  readonly fault: readonly string[];
  /** Clients write in all regions throughout, and nothing that was acknowledged may be missing after. */
  readonly writes: boolean;
  /** Of the whole drill, from the fault to the last block. */
  readonly withinSeconds: number;
  /** What the host must be able to do; else the drill is skipped, which is not a pass. */
  readonly needs: readonly Need[];
}

export type Need = z.infer<typeof need>;

export type Step =
  | { readonly kind: "act"; readonly act: string; readonly line: number }
  | ({ readonly kind: "shell" } & ShellStep);

export interface ShellStep {
  readonly line: number;
  readonly script: string;
  readonly expected: readonly string[];
  readonly exitCode: number;
  /** Asked again until it is as expected; zero: once. */
  readonly withinSeconds: number;
  /** It names the cause: the time from the fault to here is the time to detect it. */
  readonly detects: boolean;
}

const need = z.enum(["faketime", "tmpfs", "openssl"]);

const frontMatter = z.strictObject({
  alerts: z.array(z.string()),
  drill: z.strictObject({
    fault: z.array(z.string()),
    writes: z.boolean().default(true),
    within: z.string().regex(/^\d+[sm]$/),
    needs: z.array(need).default([]),
  }),
});

const FENCE = /^```(.*)$/;
const ACT = /^<!-- drill: (.+) -->$/;

/** Throws an `Error` that names the page and the line. */
export function parsePage(name: string, text: string): Page {
  const match = /^---\n([\s\S]*?)\n---\n/.exec(text);
  if (match === null) throw new Error(`${name}: no front matter`);
  const { alerts, drill } = frontMatter.parse(parse(match[1] ?? ""));
  const lines = text.split("\n");
  const first = match[0].split("\n").length - 1;
  const title = lines.find((line) => line.startsWith("# "))?.slice(2);
  if (title === undefined) throw new Error(`${name}: no title`);
  return {
    name,
    title,
    alerts,
    drill: {
      fault: drill.fault,
      writes: drill.writes,
      withinSeconds: seconds(drill.within),
      needs: drill.needs,
    },
    steps: parseSteps(name, lines, first),
    sections: lines.filter((line) => line.startsWith("## ")).map((line) => line.slice(3)),
  };
}

function parseSteps(name: string, lines: readonly string[], first: number): Step[] {
  const steps: Step[] = [];
  for (let at = first; at < lines.length; at++) {
    const act = ACT.exec(lines[at] ?? "")?.[1];
    if (act !== undefined) steps.push({ kind: "act", act, line: at + 1 });
    const info = FENCE.exec(lines[at] ?? "")?.[1];
    if (info === undefined) continue;
    const block = blockFrom(name, lines, at);
    const [language = "", ...words] = info.trim().split(/\s+/);
    if (language === "sh") {
      const next = nextText(lines, block.end + 1);
      const shown = next === undefined ? undefined : blockFrom(name, lines, next);
      steps.push(shellStep(`${name}.md:${at + 1}`, at + 1, words, block.lines, shown?.lines ?? []));
      at = shown?.end ?? block.end;
    } else at = block.end;
  }
  return steps;
}

/** Where the block of expected output begins that follows without a word in between. */
function nextText(lines: readonly string[], from: number): number | undefined {
  const at = lines.findIndex((line, index) => index >= from && line.trim() !== "");
  return lines[at] === "```text" ? at : undefined;
}

function blockFrom(
  name: string,
  lines: readonly string[],
  start: number,
): { readonly lines: readonly string[]; readonly end: number } {
  const end = lines.findIndex((line, index) => index > start && line === "```");
  if (end < 0) throw new Error(`${name}.md:${start + 1}: a block without an end`);
  return { lines: lines.slice(start + 1, end), end };
}

function shellStep(
  where: string,
  line: number,
  words: readonly string[],
  script: readonly string[],
  expected: readonly string[],
): Step {
  let exitCode = 0;
  let withinSeconds = 0;
  let detects = false;
  for (const word of words) {
    const [key, value = ""] = word.split("=");
    if (key === "exit" && /^\d+$/.test(value)) exitCode = Number(value);
    else if (key === "within" && /^\d+[sm]$/.test(value)) withinSeconds = seconds(value);
    else if (word === "detects") detects = true;
    else throw new Error(`${where}: unknown word ${word}`);
  }
  const common = { line, script: script.join("\n"), exitCode, withinSeconds, detects };
  return { kind: "shell", ...common, expected };
}

function seconds(text: string): number {
  return Number(text.slice(0, -1)) * (text.endsWith("m") ? 60 : 1);
}
