/**
 * Log entries as a batch carries them.
 *
 *     entries   = count, container*, count, run*        containers of all entries, each once
 *     run       = shard, origin, firstSeq, count, entry{count}
 *     entry     = stamps, document, changeLength, change, count, containerIndex*
 *
 *               version 1                    since version 2
 *     stamps    hlc, vector                  hlc as the difference to the entry before, then the count
 *                                            of components, each a region and its difference to hlc
 *     document  docId[16]                    0, docId[16] the first time; then its number in the batch
 *
 * Entries of one batch were written close together and often build on each other, so differences are
 * one to four bytes where the values are seven. The change's name is not sent: its chunk begins with
 * the first four bytes of it and the receiver computes the rest, so a change whose bytes do not hash to
 * its name does not get past the parser. Containers are the same bytes in thousands of entries, hence
 * the table.
 * Since version 3 a run with firstSeq 0 holds placeless changes, each with the times of its document as
 * differences to its hlc behind the head.
 * A list of entries has one spelling: runs are as long as they can be, the table is in order of first
 * use without anything unused, and a known document is never spelled out again.
 */
import type {
  ByteReader,
  ByteWriter,
  DocId,
  Hlc,
  LogEntry,
  RegionCode,
  RegionVector,
} from "@atoll/core";
import {
  ByteStreamError,
  REGION_CODE_MAX,
  docKeyOf,
  isPlaceless,
  limits,
  nameOfReceived,
  parseHlc,
  parseRegionCode,
  readVector,
  toHex,
  writeVector,
} from "@atoll/core";
import {
  copyOf,
  present,
  readDocId,
  readHlc,
  readOrigin,
  readSigned,
  writeSigned,
} from "./wire-fields.ts";

export function writeEntries(
  writer: ByteWriter,
  entries: readonly LogEntry[],
  version: number,
): void {
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
  const head = version === 1 ? new PlainHeadWriter() : new HeadWriter();
  for (const run of runs) {
    const first = run[0];
    if (first === undefined) continue;
    writer.varint(first.shard).varint(first.origin).varint(first.seq).varint(run.length);
    for (const entry of run) {
      head.write(writer, entry);
      if (entry.times !== undefined) {
        writeSigned(writer, entry.times.created - entry.hlc);
        writeSigned(writer, entry.times.updated - entry.hlc);
      }
      writer.bytes(entry.change).varint(entry.containers.length);
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
    if (last !== undefined && continues(last, entry)) runs.at(-1)?.push(entry);
    else runs.push([entry]);
    last = entry;
  }
  return runs;
}

/** Placeless changes of one origin and shard share their head as well. */
function continues(last: Place, next: Place): boolean {
  if (last.shard !== next.shard || last.origin !== next.origin) return false;
  return isPlaceless(last) ? isPlaceless(next) : last.seq + 1 === next.seq;
}

/** Throws `ByteStreamError`. Whether the changes are sound is for `replica` to find out. */
export function readEntries(reader: ByteReader, version: number): LogEntry[] {
  const table = readContainers(reader);
  const head = version === 1 ? new PlainHeadReader() : new HeadReader();
  const entries: LogEntry[] = [];
  const runCount = reader.count(limits.WIRE_LIST_MAX);
  for (let i = 0; i < runCount; i++) {
    const shard = reader.varint();
    const origin = readOrigin(reader);
    const firstSeq = reader.varint();
    const count = reader.count(limits.WIRE_LIST_MAX);
    const last = entries.at(-1);
    if (count === 0) throw new ByteStreamError("an empty run");
    if (firstSeq < (version > 2 ? 0 : 1) || !Number.isSafeInteger(firstSeq + count)) {
      throw new ByteStreamError("sequence number out of range");
    }
    if (last !== undefined && continues(last, { shard, origin, seq: firstSeq })) {
      throw new ByteStreamError("a run that continues the one before");
    }
    if (entries.length + count > limits.WIRE_LIST_MAX) {
      throw new ByteStreamError("too many entries");
    }
    for (let j = 0; j < count; j++) {
      const seq = firstSeq === 0 ? 0 : firstSeq + j;
      entries.push(readEntry(reader, head, table, { shard, origin, seq }));
    }
  }
  if (table.used < table.containers.length) throw new ByteStreamError("an unused container");
  return entries;
}

type Place = Pick<LogEntry, "shard" | "origin" | "seq">;

interface ContainerTable {
  readonly containers: readonly Uint8Array[];
  /** How many of them have been used; they are used in order. */
  used: number;
}

function readContainers(reader: ByteReader): ContainerTable {
  const count = reader.count(limits.WIRE_LIST_MAX);
  const containers: Uint8Array[] = [];
  const known = new Set<string>();
  for (let i = 0; i < count; i++) {
    const container = copyOf(reader.bytes(limits.CHANGE_BYTES_MAX));
    known.add(toHex(container));
    containers.push(container);
  }
  if (known.size < count) throw new ByteStreamError("a container twice");
  return { containers, used: 0 };
}

function readEntry(
  reader: ByteReader,
  head: EntryHeadReader,
  table: ContainerTable,
  place: Place,
): LogEntry {
  const { hlc, dep, docId } = head.read(reader);
  const times = isPlaceless(place) ? { times: readTimes(reader, hlc) } : {};
  const change = copyOf(reader.bytes(limits.CHANGE_BYTES_MAX));
  const count = reader.count(limits.ENTRY_CONTAINERS_MAX);
  const containers = new Set<Uint8Array>();
  for (let i = 0; i < count; i++) {
    const index = reader.varint();
    const container = table.containers[index];
    if (container === undefined || index > table.used) {
      throw new ByteStreamError("no such container, or out of order");
    }
    table.used = Math.max(table.used, index + 1);
    containers.add(container);
  }
  if (containers.size < count) throw new ByteStreamError("a container twice in one entry");
  const hash = nameOfReceived(change);
  return { ...place, hlc, docId, hash, dep, change, containers: [...containers], ...times };
}

function readTimes(reader: ByteReader, hlc: Hlc): { created: Hlc; updated: Hlc } {
  const created = present(parseHlc(hlc + readSigned(reader)), "timestamp");
  return { created, updated: present(parseHlc(hlc + readSigned(reader)), "timestamp") };
}

/** When an entry was written, what its writer had seen, and in which document. */
type EntryHead = Pick<LogEntry, "hlc" | "dep" | "docId">;

interface EntryHeadReader {
  read(reader: ByteReader): EntryHead;
}

class PlainHeadWriter {
  write(writer: ByteWriter, { hlc, dep, docId }: EntryHead): void {
    writer.varint(hlc);
    writeVector(writer, dep);
    writer.raw(docId);
  }
}

class PlainHeadReader implements EntryHeadReader {
  read(reader: ByteReader): EntryHead {
    return { hlc: readHlc(reader), dep: readVector(reader), docId: readDocId(reader) };
  }
}

class HeadWriter {
  readonly #numberByDocument = new Map<string, number>();
  #previous = 0;

  write(writer: ByteWriter, { hlc, dep, docId }: EntryHead): void {
    writeSigned(writer, hlc - this.#previous);
    this.#previous = hlc;
    const components = [...dep].sort(([a], [b]) => a - b);
    writer.u8(components.length);
    for (const [region, seen] of components) writeSigned(writer.u8(region), hlc - seen);
    const key = docKeyOf(docId);
    const number = this.#numberByDocument.get(key);
    writer.varint(number ?? 0);
    if (number !== undefined) return;
    this.#numberByDocument.set(key, this.#numberByDocument.size + 1);
    writer.raw(docId);
  }
}

class HeadReader implements EntryHeadReader {
  readonly #documents: DocId[] = [];
  readonly #known = new Set<string>();
  #previous = 0;

  read(reader: ByteReader): EntryHead {
    const hlc = present(parseHlc(this.#previous + readSigned(reader)), "timestamp");
    this.#previous = hlc;
    return { hlc, dep: readDependencies(reader, hlc), docId: this.#document(reader) };
  }

  #document(reader: ByteReader): DocId {
    const number = reader.varint();
    if (number > 0) return present(this.#documents[number - 1], "reference to a document");
    const docId = readDocId(reader);
    const key = docKeyOf(docId);
    if (this.#known.has(key)) throw new ByteStreamError("a known document spelled out");
    this.#known.add(key);
    this.#documents.push(docId);
    return docId;
  }
}

function readDependencies(reader: ByteReader, hlc: Hlc): RegionVector {
  const count = reader.u8();
  if (count > REGION_CODE_MAX) throw new ByteStreamError("more components than regions");
  const vector = new Map<RegionCode, Hlc>();
  let previous = 0;
  for (let i = 0; i < count; i++) {
    const region = present(parseRegionCode(reader.u8()), "region");
    if (region <= previous) throw new ByteStreamError("regions out of order");
    previous = region;
    vector.set(region, present(parseHlc(hlc - readSigned(reader)), "timestamp"));
  }
  return vector;
}
