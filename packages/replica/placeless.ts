/**
 * Changes rebuilt from their document, because no log has them any more.
 *
 *     document ──▶ its changes, parents first ──▶ those that are asked for ──▶ entries without a place
 *                                └─ container changes that each builds on go along with it
 *
 * What an entry says beyond the change itself is partly gone with its row: which number it had, when
 * exactly it was written and what its writer had seen. So number 0 stands for "no place", the document's
 * own dependencies stand for the writer's, and its time is a bound: the horizon, at or below which
 * every change without a row lies. Bounds are safe: a session waits for a little more, and sums are
 * compared at a cut only where the cut is at or above the horizon.
 */
import type { LogEntry, Origin } from "@atoll/core";
import {
  ByteReader,
  HLC_ZERO,
  elementOf,
  low64,
  originRegion,
  parseOrigin,
  toHex,
  vectorAt,
} from "@atoll/core";
import type { ChangeChunk, ProfileCodec } from "@atoll/profile";
import { parseChangeChunk } from "@atoll/profile";
import type { DocumentPlace } from "@atoll/store";
import type { Replica } from "./replica.ts";

/**
 * Entries for those of the elements that this document has, parents before children: as the log has
 * them, and without a place where it does not. Throws `DocumentError` when the document does not open.
 */
export function changesOf(
  replica: Replica,
  place: DocumentPlace,
  elements: ReadonlySet<bigint>,
): LogEntry[] {
  const { cluster, store, documents } = replica;
  const found: LogEntry[] = [];
  const unlogged: { readonly index: number; readonly hash: string }[] = [];
  for (const hash of documents.open(place).changeHashes()) {
    const element64 = low64(elementOf(cluster.keys, place.docId, hash));
    if (!elements.has(BigInt.asUintN(64, element64))) continue;
    const entry = store.findChange(place.docId, hash, element64);
    if (entry !== undefined) found.push(entry);
    else unlogged.push({ index: found.length, hash: toHex(hash) });
  }
  if (unlogged.length === 0) return found;
  const chunks = chunksOf(documents.open(place).changes());
  for (const { index, hash } of unlogged.toReversed()) {
    const entry = placelessEntry(replica, place, chunks, hash);
    if (entry !== undefined) found.splice(index, 0, entry);
  }
  return found;
}

function chunksOf(changes: readonly Uint8Array[]): Map<string, ChangeChunk> {
  const byHash = new Map<string, ChangeChunk>();
  for (const bytes of changes) {
    const parsed = parseChangeChunk(bytes);
    if (parsed.kind === "change") byHash.set(toHex(parsed.hash), parsed);
  }
  return byHash;
}

function placelessEntry(
  { store, ledger, codec }: Replica,
  place: DocumentPlace,
  chunks: ReadonlyMap<string, ChangeChunk>,
  hash: string,
): LogEntry | undefined {
  const change = chunks.get(hash);
  const row = store.readDocument(place);
  const origin = change && originOf(change);
  if (change === undefined || row === undefined || origin === undefined) return undefined;
  const region = originRegion(origin);
  const seen = vectorAt(row.dep, region);
  const horizon = vectorAt(ledger.horizon, region);
  const { docId, shard } = place;
  return {
    shard,
    origin,
    seq: 0,
    hlc: horizon === HLC_ZERO || seen < horizon ? seen : horizon,
    docId,
    hash: change.hash,
    dep: row.dep,
    change: change.chunk,
    containers: containersOf(codec, chunks, change),
    times: { created: row.createdHlc, updated: row.updatedHlc },
  };
}

/** Parents before children. Some may be at the receiver already, which does no harm. */
function containersOf(
  codec: ProfileCodec,
  chunks: ReadonlyMap<string, ChangeChunk>,
  change: ChangeChunk,
): Uint8Array[] {
  const containers = new Map<string, Uint8Array>();
  const visit = ({ deps }: ChangeChunk): void => {
    for (const dep of deps) {
      const key = toHex(dep);
      const container = containers.has(key) ? undefined : chunks.get(key);
      if (container === undefined || !codec.isContainerChange(container)) continue;
      visit(container);
      containers.set(key, container.chunk);
    }
  };
  visit(change);
  return [...containers.values()];
}

/** An actor begins with its origin. */
function originOf({ actor }: ChangeChunk): Origin | undefined {
  return actor.length < 8 ? undefined : parseOrigin(Number(new ByteReader(actor).u64()));
}
