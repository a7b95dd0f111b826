/**
 * A file of JSON lines, read as it is needed: plain or compressed (.gz), of any size.
 */
import { createReadStream, statSync } from "node:fs";
import { createInterface } from "node:readline";
import { createGunzip } from "node:zlib";
import { AtollError, errorText } from "@atoll/core";

export interface JsonLine {
  /** From 1. */
  readonly number: number;
  readonly text: string;
}

export interface JsonLines {
  /** Can be read once. */
  readonly lines: AsyncIterable<JsonLine>;
  /** Reads the file once more, for a total. Cheap beside what is done with each line. */
  readonly count: () => Promise<number>;
}

/** Throws `AtollError` malformed-request when there is no such file. Empty lines are left out. */
export function openJsonLines(file: string): JsonLines {
  try {
    if (!statSync(file).isFile()) throw new Error("not a file");
  } catch (error) {
    throw cannotRead(file, error);
  }
  return { lines: readLines(file), count: () => countLines(file) };
}

async function countLines(file: string): Promise<number> {
  const lines = readLines(file);
  let count = 0;
  while ((await lines.next()).done !== true) count++;
  return count;
}

async function* readLines(file: string): AsyncGenerator<JsonLine> {
  const source = createReadStream(file);
  const input = file.endsWith(".gz") ? source.pipe(createGunzip()) : source;
  source.on("error", (error) => input.destroy(error)); // a pipe does not pass on failures
  let number = 0;
  try {
    for await (const text of createInterface({ input, crlfDelay: Infinity })) {
      number++;
      if (text.trim() !== "") yield { number, text };
    }
  } catch (error) {
    throw cannotRead(file, error);
  }
}

function cannotRead(file: string, error: unknown): AtollError {
  return new AtollError(
    "malformed-request",
    `${file} cannot be read: ${errorText(error)}`,
    {},
    error,
  );
}
