/**
 * Whether a document gives back what it was given.
 *
 *     change ──apply──▶ operations in columns ──save──▶ change, made anew ──load──▶ its name must be the same
 *
 * Automerge keeps the operations of a change and forgets its bytes. A change that is encoded otherwise than
 * Automerge would, or that takes out what it does not name rightly, is applied and shown all the same; made
 * anew it is another change, or none, and the saved document does not load any more. Asking for it costs a
 * fiftieth of opening the document, so it is asked for before anything is shown of it.
 */
import type { ChangeHash } from "@atoll/core";
import { toHex } from "@atoll/core";
import { readChangeHead, readChangeName } from "./change-chunk.ts";

/** As many are asked for one by one: together with them comes whatever else their parents did not know. */
const SINGLY_MAX = 2;
const NONE: ReadonlySet<string> = new Set();

/** What is asked of Automerge. Either may throw where a change cannot be made again. */
export interface ChangeGiver {
  /** Everything that versions do not have. */
  getChanges(heads: string[]): Uint8Array[];
  getChangeByHash(hash: string): Uint8Array | null;
}

/** The name of the first of these changes, all of which are in the document, that it does not give back. */
export function alteredChange(
  document: ChangeGiver,
  chunks: readonly Uint8Array[],
): ChangeHash | undefined {
  const names = chunks.map(readChangeName);
  const givenBack = chunks.length > SINGLY_MAX ? namesSince(document, chunks, names) : NONE;
  return names.find((name) => {
    if (name === undefined || givenBack.has(toHex(name))) return false;
    const again = document.getChangeByHash(toHex(name)); // few, or here before, below a parent of another
    return again === null || nameInHex(again) !== toHex(name);
  });
}

/** What the document gives back that is not below the parents of these. */
function namesSince(
  document: ChangeGiver,
  chunks: readonly Uint8Array[],
  names: readonly (ChangeHash | undefined)[],
): ReadonlySet<string> {
  const here = new Set(names.map((name) => name && toHex(name)));
  const heads = chunks.map(readChangeHead);
  const parents = new Set(heads.flatMap((head) => head?.deps.map(toHex) ?? []));
  // Of a compressed change the parents are not known: then all are asked for.
  const before = heads.includes(undefined) ? [] : [...parents].filter((dep) => !here.has(dep));
  return new Set(document.getChanges(before).map(nameInHex));
}

/** Large changes are given back compressed. */
function nameInHex(chunk: Uint8Array): string {
  const name = readChangeName(chunk);
  return name === undefined ? "" : toHex(name);
}
