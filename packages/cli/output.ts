/**
 * The forms of every answer: a table for people; JSON, YAML or lines of JSON for programs.
 *
 *     json     the answer, indented
 *     yaml     the same answer; a stream of them is a stream of documents
 *     ndjson   a line for each element where the answer is a list, one line otherwise: for pipes that
 *              begin before the end
 *
 * One place makes all of them, so that no command lacks a form, and none says more in one than in another.
 */
import Table from "cli-table3";
import { Option } from "commander";
import { stringify } from "yaml";
import type { Terminal } from "./terminal.ts";

export const DATA_FORMS = ["json", "yaml", "ndjson"] as const;
export type DataForm = (typeof DATA_FORMS)[number];
export type OutputForm = "table" | DataForm;

export interface OutputOption {
  readonly output: OutputForm;
}

/** `forPeople`: what the command shows them, and shows unless told otherwise. */
export function outputOption(forPeople: "table" | "text" = "table"): Option {
  const forms = [forPeople, ...DATA_FORMS];
  return new Option("-o, --output <form>", `${forms.slice(0, -1).join(", ")} or ndjson`)
    .choices(forms)
    .default(forPeople);
}

/** `list`: what lines are of, where the answer is an envelope around a list; the answer itself unless named. */
export function printData(
  terminal: Terminal,
  form: DataForm,
  value: unknown,
  list: unknown = value,
): void {
  switch (form) {
    case "json":
      return terminal.print(JSON.stringify(value, null, 2));
    case "yaml":
      return terminal.print(yamlText(value));
    case "ndjson":
      for (const item of Array.isArray(list) ? list : [value]) {
        terminal.print(JSON.stringify(item));
      }
  }
}

/** One of a stream that has no end: each can be read before the next is there. */
export function printEvent(terminal: Terminal, form: DataForm, event: unknown): void {
  terminal.print(form === "yaml" ? `---\n${yamlText(event)}` : JSON.stringify(event));
}

/**
 * What JSON holds and no more: no anchors where a thing is said twice. Strings are quoted, because older
 * readers of YAML take a plain `no` for false, and a time for a date.
 */
function yamlText(value: unknown): string {
  const plain = JSON.parse(JSON.stringify(value)) as unknown;
  return stringify(plain, {
    lineWidth: 0,
    defaultStringType: "QUOTE_DOUBLE",
    defaultKeyType: "PLAIN",
  }).trimEnd();
}

export type Cell = string | number;

export function tableText(
  head: readonly string[],
  rows: readonly (readonly (Cell | null | undefined)[])[],
): string {
  const table = new Table({ head: [...head], style: { head: [], border: [], compact: true } });
  for (const row of rows) table.push(row.map((cell) => cell ?? ""));
  return table.toString();
}

/** 950 → "950 ms", 12 000 → "12 s", 400 000 → "6.7 min". */
export function ageText(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${Math.round(ms / 1_000)} s`;
  if (ms < 7_200_000) return `${(ms / 60_000).toFixed(1)} min`;
  return `${(ms / 3_600_000).toFixed(1)} h`;
}

/** A time that may be unknown, in an answer of any version. */
export function ageOr(ms: number | null | undefined, unknown: string): string {
  return ms === undefined || ms === null ? unknown : ageText(ms);
}

export function countText(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
