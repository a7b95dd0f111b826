/**
 * What is fuzzed: a door through which somebody else's bytes come in.
 *
 * An input is bytes, so that what was found is a file, and the file is a test. A target breaks its promise by
 * throwing `Finding`, or anything that is no typed error of its door; it is held to time and to staying alive
 * by whoever runs it.
 */
import type { Random } from "@atoll/core";

export class Finding extends Error {
  override readonly name = "Finding";
}

/** A quarter of a second: what others would notice. */
export const INPUT_MICROS_MAX = 250_000;

/** Longer than the largest frame and the largest body: beyond that, whoever sends it works, and not who is tested. */
export const INPUT_BYTES_MAX = 8 * 1024 * 1024;

export interface FuzzTarget {
  readonly name: string;
  /** One line: which bytes, and what must hold. */
  readonly summary: string;
  /** Processor time that one input may take; `INPUT_MICROS_MAX` unless said. */
  readonly microsMax?: number;
  open(): Promise<OpenTarget>;
}

export interface OpenTarget {
  /** Inputs as they ought to be: what is mutated. */
  readonly seeds: readonly Uint8Array[];
  mutate(input: Uint8Array, random: Random): Uint8Array;
  /** Resolves when all promises were kept. */
  run(input: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** Throws `Finding` unless it holds. */
export function expectThat(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Finding(what);
}
