/**
 * Log entries as a batch carries them.
 *
 *     entries   = count, container*, count, run*        containers of all entries, each once
 *     run       = shard, origin, firstSeq, count, entry{count}
 *     entry     = hlc, dep, docId[16], changeLength, change, count, containerIndex*
 *
 * The change's name is not sent: its chunk begins with the first four bytes of it and the receiver
 * computes the rest, so a change whose bytes do not hash to its name does not get past the parser.
 * Containers are the same bytes in thousands of entries, hence the table.
 */
import type { LogEntry, Origin } from "@atoll/core";
import {
  ByteStreamError,
  limits,
  mustChangeHash,
  readVector,
  toHex,
  writeVector,
} from "@atoll/core";
import type { ByteReader, ByteWriter } from "@atoll/core";
import { hash } from "node:crypto";
import { copyOf, readDocId, readHlc, readOrigin } from "./wire-fields.ts";

/** Bytes of an Automerge chunk before the part that its hash covers: magic and checksum. */
const CHUNK_PREFIX_BYTES = 8;

export function writeEntries(writer: ByteWriter, entries: readonly LogEntry[]): void {
  const indexByContainer = new Map<string, number>();
  const containers: Uint8Array[] = [];
  for (const entry of entries) {
    for (const container of entry.containers) {
      const key = toHex(container);
      if (indexByContainer.has(key)) continue;
      indexByContainer.set(key, containers.length);
      containers.push(container);
    }
  }
  writer.varint(containers.length);
  for (const container of containers) writer.bytes(container);
  const runs = runsOf(entries);
  writer.varint(runs.length);
  for (const run of runs) {
    const first = run[0];
    if (first === undefined) continue;
    writer.varint(first.shard).varint(first.origin).varint(first.seq).varint(run.length);
    for (const entry of run) {
      writer.varint(entry.hlc);
      writeVector(writer, entry.dep);
      writer.raw(entry.docId).bytes(entry.change).varint(entry.containers.length);
      for (const container of entry.containers) {
        writer.varint(indexByContainer.get(toHex(container)) ?? 0);
      }
    }
  }
}

/** Neighbours of one lane with consecutive numbers share their head. Order is kept. */
function runsOf(entries: readonly LogEntry[]): LogEntry[][] {
  const runs: LogEntry[][] = [];
  let last: LogEntry | undefined;
  for (const entry of entries) {
    const continues =
      last?.shard === entry.shard && last.origin === entry.origin && last.seq + 1 === entry.seq;
    if (continues) runs.at(-1)?.push(entry);
    else runs.push([entry]);
    last = entry;
  }
  return runs;
}

/** Throws `ByteStreamError`. Whether the changes are sound is for `replica` to find out. */
export function readEntries(reader: ByteReader): LogEntry[] {
  const containers: Uint8Array[] = [];
  const containerCount = reader.count(limits.WIRE_LIST_MAX);
  for (let i = 0; i < containerCount; i++) {
    containers.push(copyOf(reader.bytes(limits.CHANGE_BYTES_MAX)));
  }
  const entries: LogEntry[] = [];
  const runCount = reader.count(limits.WIRE_LIST_MAX);
  for (let i = 0; i < runCount; i++) {
    const shard = reader.varint();
    const origin = readOrigin(reader);
    const firstSeq = reader.varint();
    const count = reader.count(limits.WIRE_LIST_MAX);
    if (firstSeq < 1) throw new ByteStreamError("sequence numbers start at 1");
    if (entries.length + count > limits.WIRE_LIST_MAX)
      throw new ByteStreamError("too many entries");
    for (let j = 0; j < count; j++) {
      entries.push(readEntry(reader, { shard, origin, seq: firstSeq + j, containers }));
    }
  }
  return entries;
}

function readEntry(
  reader: ByteReader,
  place: { shard: number; origin: Origin; seq: number; containers: readonly Uint8Array[] },
): LogEntry {
  const hlc = readHlc(reader);
  const dep = readVector(reader);
  const docId = readDocId(reader);
  const change = copyOf(reader.bytes(limits.CHANGE_BYTES_MAX));
  const count = reader.count(limits.ENTRY_CONTAINERS_MAX);
  const containers: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    const container = place.containers[reader.varint()];
    if (container === undefined) throw new ByteStreamError("no such container");
    containers.push(container);
  }
  const { shard, origin, seq } = place;
  const name = mustChangeHash(hash("sha256", change.subarray(CHUNK_PREFIX_BYTES), "buffer"));
  return { shard, origin, seq, hlc, docId, hash: name, dep, change, containers };
}
