/**
 * What is set aside for a person: entries that nothing can be done with, and documents that do not open.
 *
 * One record per entry, by its place and name: a bad entry is asked for again every minute, and must not
 * fill the store by being what it was before. The names are kept in memory, because a peer decides how
 * often we ask. A copy that was damaged on its way bears another name than the entry itself, so when the
 * place has its entry, whatever was set aside there goes.
 */
import type { ChangeHash, Clock, DocId, DocKey, Lane, Log, LogEntry } from "@atoll/core";
import { docKeyOf, limits, toHex } from "@atoll/core";
import type { QuarantineRecord, Store } from "@atoll/store";
import { recordOf } from "./quarantine-bytes.ts";

export class Quarantine {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #log: Log;
  /** Records of entries: by place, then by name. */
  #byPlace = new Map<string, Map<string, number>>();
  #byDocument = new Map<DocKey, number>();

  constructor(rooms: { readonly store: Store; readonly clock: Clock; readonly log: Log }) {
    this.#store = rooms.store;
    this.#clock = rooms.clock;
    this.#log = rooms.log;
    this.reload();
  }

  /** Forgets everything that is not committed. */
  reload(): void {
    this.#byPlace = new Map();
    this.#byDocument = new Map();
    for (const summary of this.#store.summarizeQuarantine(limits.QUARANTINE_ENTRIES_MAX)) {
      const { id, lane, seq, hash, docId } = summary;
      if (lane === undefined || seq === undefined) this.#byDocument.set(docKeyOf(docId), id);
      else this.#remember({ ...lane, seq }, hash, id);
    }
  }

  has(entry: LogEntry): boolean {
    return this.#at(entry)?.has(toHex(entry.hash)) === true;
  }

  hasDocument(docId: DocId): boolean {
    return this.#byDocument.has(docKeyOf(docId));
  }

  /** Needs an open group, as all that follow. False when it is recorded already. */
  addEntry(entry: LogEntry, fromRegion: string | undefined, reason: string): boolean {
    if (this.has(entry)) return false;
    const { shard, origin, seq, docId, hash } = entry;
    const name = { shard, seq, docId: toHex(docId), hash: toHex(hash) };
    this.#log.warn("entry-quarantined", { fromRegion, ...name, reason });
    if (this.#isFull()) return true;
    const lane = { shard, origin };
    const head = { atMs: this.#clock.nowMs(), reason, fromRegion, lane, seq, docId, hash };
    const { id } = this.#store.addQuarantine(recordOf(head, { kind: "entry", entry }));
    this.#remember(entry, hash, id);
    return true;
  }

  addDocument(docId: DocId, reason: string, tail: Uint8Array): void {
    if (this.hasDocument(docId)) return;
    this.#log.error("document-quarantined", { docId: toHex(docId), reason });
    if (this.#isFull()) return;
    const nowhere = { fromRegion: undefined, lane: undefined, seq: undefined, hash: undefined };
    const head = { atMs: this.#clock.nowMs(), reason, ...nowhere, docId };
    const { id } = this.#store.addQuarantine(recordOf(head, { kind: "document", tail }));
    this.#byDocument.set(docKeyOf(docId), id);
  }

  /** Its place has the entry after all: true when anything was set aside there. */
  release(entry: LogEntry): boolean {
    const records = this.#at(entry);
    if (records === undefined) return false;
    for (const id of records.values()) this.#store.removeQuarantine(id);
    this.#byPlace.delete(placeOf(entry));
    return true;
  }

  /** The document opens after all. */
  releaseDocument(docId: DocId): void {
    const id = this.#byDocument.get(docKeyOf(docId));
    if (id === undefined) return;
    this.#store.removeQuarantine(id);
    this.#byDocument.delete(docKeyOf(docId));
  }

  /** Still bad, for another reason. */
  renew(record: QuarantineRecord, entry: LogEntry, reason: string): void {
    const { bytes, atMs, reason: text } = recordOf({ ...record, reason }, { kind: "entry", entry });
    this.#store.updateQuarantine({ id: record.id, atMs, reason: text, bytes });
  }

  remove(id: number): void {
    this.#store.removeQuarantine(id);
    for (const [place, records] of this.#byPlace) {
      for (const [name, other] of records) if (other === id) records.delete(name);
      if (records.size === 0) this.#byPlace.delete(place);
    }
    for (const [key, other] of this.#byDocument) if (other === id) this.#byDocument.delete(key);
  }

  #at(place: Place): Map<string, number> | undefined {
    return this.#byPlace.size === 0 ? undefined : this.#byPlace.get(placeOf(place));
  }

  #remember(place: Place, hash: ChangeHash | undefined, id: number): void {
    const key = placeOf(place);
    const name = hash === undefined ? "" : toHex(hash);
    const records = this.#byPlace.get(key);
    if (records === undefined) this.#byPlace.set(key, new Map([[name, id]]));
    else records.set(name, id);
  }

  #isFull(): boolean {
    return this.#store.countQuarantine() >= limits.QUARANTINE_ENTRIES_MAX;
  }
}

interface Place extends Lane {
  readonly seq: number;
}

function placeOf({ shard, origin, seq }: Place): string {
  return `${shard} ${origin} ${seq}`;
}
