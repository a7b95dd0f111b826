/**
 * The heads of a document, kept without opening it: the changes that no other change builds on.
 *
 * Stored sorted and concatenated, 32 bytes each. A change replaces those of the heads that it names as
 * its parents. Containers never appear: the change that carries them builds on them.
 */
import { hash } from "node:crypto";
import type { ChangeHash } from "@atoll/core";
import { assert, mustChangeHash, sameBytes, toHex } from "@atoll/core";

const HASH_BYTES = 32;
const HASH_DIGITS = 2 * HASH_BYTES;

export function headsInclude(heads: Uint8Array, change: ChangeHash): boolean {
  for (let at = 0; at < heads.length; at += HASH_BYTES) {
    let same = 0;
    while (same < HASH_BYTES && heads[at + same] === change[same]) same++;
    if (same === HASH_BYTES) return true;
  }
  return false;
}

/** The heads after a change whose parents are all here. */
export function advanceHeads(
  heads: Uint8Array,
  change: ChangeHash,
  deps: readonly ChangeHash[],
): Uint8Array {
  assert(heads.length % HASH_BYTES === 0, "heads have 32 bytes each");
  if (
    heads.length <= HASH_BYTES &&
    (heads.length === 0 || deps.some((dep) => sameBytes(dep, heads)))
  ) {
    return new Uint8Array(change); // the usual case: one head, and the change builds on it
  }
  const parents = new Set(deps.map(toHex));
  const kept: Uint8Array[] = [change];
  for (let at = 0; at < heads.length; at += HASH_BYTES) {
    const head = heads.subarray(at, at + HASH_BYTES);
    if (!parents.has(toHex(head))) kept.push(head);
  }
  return new Uint8Array(Buffer.concat(kept.sort((a, b) => Buffer.compare(a, b))));
}

/** One by one; none of a document that is not there. */
export function headsOf(heads: Uint8Array = new Uint8Array()): ChangeHash[] {
  const hashes: ChangeHash[] = [];
  for (let at = 0; at < heads.length; at += HASH_BYTES) {
    hashes.push(mustChangeHash(heads.subarray(at, at + HASH_BYTES)));
  }
  return hashes;
}

export function headsToHex(heads: Uint8Array): string[] {
  return splitHex(toHex(heads));
}

/** The same of heads that are in hexadecimal digits already, one behind the other. */
export function splitHex(digits: string): string[] {
  const heads: string[] = [];
  for (let at = 0; at < digits.length; at += HASH_DIGITS) {
    heads.push(digits.slice(at, at + HASH_DIGITS));
  }
  return heads;
}

/** Entity-tag without quotes: heads identify the set of changes, and therefore the state. */
export function etagOf(heads: Uint8Array): string {
  return hash("sha256", heads, "base64url").slice(0, 22);
}
