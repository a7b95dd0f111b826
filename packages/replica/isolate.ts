/**
 * Which changes of a document are at fault? Found by loading it with fewer of them.
 *
 *     all load?  ──no──▶  the shortest run that fails ends with a culprit ──▶ leave it out, with all
 *                         that builds on it, and ask again
 *
 * A change is sound by its bytes and may still be none that a document takes: Automerge says so only when
 * it is asked to, and one such change makes the whole document fail. Each question loads a fresh copy,
 * because a document that has thrown cannot be asked anything else.
 */
import type { ChangeHash, LogEntry } from "@atoll/core";
import { errorText, limits, toHex } from "@atoll/core";
import type { ProfileCodec } from "@atoll/profile";
import { DocumentError, parseChangeChunk } from "@atoll/profile";

/** A change and the containers it brings; what is found in a tail has no entry. */
export interface Candidate {
  readonly hash: ChangeHash;
  readonly deps: readonly ChangeHash[];
  readonly chunks: readonly Uint8Array[];
  readonly entry: LogEntry | undefined;
}

export interface Isolated {
  /** These load together, parents before children. */
  readonly sound: readonly Candidate[];
  readonly culprits: readonly { readonly candidate: Candidate; readonly reason: string }[];
  /** These build on what is not here, or on a culprit. */
  readonly waiting: readonly { readonly candidate: Candidate; readonly missing: ChangeHash }[];
}

/** Undefined when not even the search comes to an end: too much of the document is at fault. */
export function isolate(
  codec: ProfileCodec,
  actor: Uint8Array,
  candidates: readonly Candidate[],
): Isolated | undefined {
  const culprits: { candidate: Candidate; reason: string }[] = [];
  let rest = candidates;
  for (;;) {
    const { ordered, waiting } = inOrder(codec, rest);
    const reason = faultOf(codec, actor, ordered);
    if (reason === undefined) return { sound: ordered, culprits, waiting };
    if (culprits.length >= limits.ISOLATION_CULPRITS_MAX) return undefined;
    const culprit = ordered[shortestFailing(codec, actor, ordered) - 1];
    if (culprit === undefined) return undefined; // the document fails without any change
    culprits.push({ candidate: culprit, reason });
    rest = rest.filter((candidate) => candidate !== culprit);
  }
}

/** Parents before children; whatever builds on something missing waits. */
function inOrder(
  codec: ProfileCodec,
  candidates: readonly Candidate[],
): {
  readonly ordered: readonly Candidate[];
  readonly waiting: { readonly candidate: Candidate; readonly missing: ChangeHash }[];
} {
  const known = new Set([toHex(codec.genesisHash)]);
  for (const { chunks } of candidates) {
    for (const chunk of chunks) {
      const parsed = parseChangeChunk(chunk);
      if (parsed.kind === "change" && codec.isContainerChange(parsed))
        known.add(toHex(parsed.hash));
    }
  }
  const ordered: Candidate[] = [];
  let waiting = candidates;
  for (let progress = true; progress;) {
    const still: Candidate[] = [];
    for (const candidate of waiting) {
      if (candidate.deps.every((dep) => known.has(toHex(dep)))) {
        ordered.push(candidate);
        known.add(toHex(candidate.hash));
      } else still.push(candidate);
    }
    progress = still.length < waiting.length && still.length > 0;
    waiting = still;
  }
  return {
    ordered,
    waiting: waiting.map((candidate) => ({
      candidate,
      missing: candidate.deps.find((dep) => !known.has(toHex(dep))) ?? candidate.hash,
    })),
  };
}

/** How many of them it takes to fail; all of them do. */
function shortestFailing(
  codec: ProfileCodec,
  actor: Uint8Array,
  candidates: readonly Candidate[],
): number {
  let sound = 0;
  let failing = candidates.length;
  while (failing - sound > 1) {
    const middle = (sound + failing) >>> 1;
    if (faultOf(codec, actor, candidates.slice(0, middle)) === undefined) sound = middle;
    else failing = middle;
  }
  return failing;
}

function faultOf(
  codec: ProfileCodec,
  actor: Uint8Array,
  candidates: readonly Candidate[],
): string | undefined {
  try {
    const profile = codec.open({ base: undefined, tail: tailOf(candidates) }, actor);
    try {
      profile.render();
      const here = new Set(profile.changeHashes().map(toHex));
      const lost = candidates.find(({ hash }) => !here.has(toHex(hash)));
      if (lost !== undefined) return "the document does not take the change";
      profile.save(); // what is shown and cannot be saved would block the document for ever
      return undefined;
    } finally {
      profile.free();
    }
  } catch (error) {
    if (error instanceof DocumentError) return errorText(error);
    throw error;
  }
}

export function tailOf(candidates: readonly Candidate[]): Uint8Array {
  return Buffer.concat(candidates.flatMap(({ chunks }) => chunks));
}
