/** The two forms of every answer: a table for people, JSON for programs. */
import Table from "cli-table3";
import { Option } from "commander";
import type { Terminal } from "./terminal.ts";

export type OutputForm = "table" | "json";

export interface OutputOption {
  readonly output: OutputForm;
}

export function outputOption(): Option {
  return new Option("-o, --output <form>", "table or json")
    .choices(["table", "json"])
    .default("table");
}

export function printJson(terminal: Terminal, value: unknown): void {
  terminal.print(JSON.stringify(value, null, 2));
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
