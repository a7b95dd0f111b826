/**
 * Schedules that once failed, kept in `corpus/` and replayed by every test run.
 *
 * A file is a whole run: it means the same when the way of drawing has changed since, because nothing of it
 * is drawn again but what happens on the way.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Schedule } from "./schedule.ts";

export interface CorpusCase {
  /** What was wrong, and since when it is not. */
  readonly about: string;
  /** A finding that is not mended yet: the checker that still complains. */
  readonly stillFails?: string;
  readonly schedule: Schedule;
}

const DIRECTORY = join(import.meta.dirname, "corpus");

export function readCorpus(): { readonly name: string; readonly kept: CorpusCase }[] {
  const names = readdirSync(DIRECTORY).filter((name) => name.endsWith(".json"));
  return names.sort().map((name) => ({
    name,
    kept: parseCorpusFile(readFileSync(join(DIRECTORY, name), "utf8")),
  }));
}

export function parseCorpusFile(text: string): CorpusCase {
  return JSON.parse(text) as CorpusCase;
}
