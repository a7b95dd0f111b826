/**
 * A large history, written straight through the Store contract, and the same history with losses that the
 * log cannot see.
 *
 *     common    every document; of the lossy ones all changes but the last
 *     complete  common + the last change of every lossy document
 *     lossy(d)  common + the last change of all of them but d
 *
 * All three have the same frontier: it counts the last changes whether they are there or not, which is the
 * damage (a restored page, an entry counted and not applied) that only a comparison of sums finds.
 * Making ten million changes by Automerge would take hours, and of a change that both sides hold nothing is
 * ever looked at but its name. So only lossy documents have real changes, the same ones for all that have the
 * same writer: what is compared are elements, and a document's id is part of each. The other documents have
 * names that no change bears, and one byte in place of each change. Places, elements, sums, heads and numbers
 * are right everywhere.
 */
import { hash } from "node:crypto";
import type {
  ChangeHash,
  Cluster,
  DocId,
  Hlc,
  LogEntry,
  Origin,
  ProfileId,
  Sum,
} from "@atoll/core";
import {
  LaneFrontier,
  LaneMap,
  SUM_ZERO,
  SeededRandom,
  VECTOR_ZERO,
  addSums,
  assert,
  bucketOf,
  docIdOf,
  elementOf,
  hlcFromMs,
  low64,
  must,
  mustChangeHash,
  newOrigin,
  positionOf,
  shardOf,
} from "@atoll/core";
import { depthFor } from "@atoll/replica";
import type { ProfileCodec } from "@atoll/profile";
import type { BucketRow, DocumentPlace, DocumentRow, Store } from "@atoll/store";
import type { RealChange } from "./real-changes.ts";
import { makeRealChanges } from "./real-changes.ts";
import { grown, rowOf } from "./synthetic-rows.ts";

export interface HistoryShape {
  readonly documents: number;
  readonly changesPerDocument: number;
  /** Documents whose last change may be lost; they are the first ones. */
  readonly lossyDocuments: number;
}

/** A document with real changes, and the last of them, which `common` lacks. */
interface LossyDocument {
  readonly before: DocumentRow;
  readonly last: LogEntry;
}

/** Entries in one transaction: enough to visit each page of an index once, not too many to hold. */
const TRANSACTION_ENTRIES = 500_000;
const START_MS = Date.UTC(2023, 0, 1);
const CHANGE_PERIOD_MS = 1;
const NO_CHANGE = Uint8Array.of(0);

export class SyntheticHistory {
  readonly shape: HistoryShape;
  readonly #cluster: Cluster;
  readonly #codec: ProfileCodec;
  readonly #origins: readonly Origin[];
  readonly #buckets = new Map<string, BucketRow>();
  readonly #lanes = new LaneMap<number>();
  readonly #lossy: LossyDocument[] = [];
  readonly #changesByOrigin = new Map<Origin, readonly RealChange[]>();
  #written = 0;

  constructor(shape: HistoryShape, cluster: Cluster, codec: ProfileCodec) {
    assert(shape.changesPerDocument >= 2, "a document that lost a change is still there");
    assert(shape.lossyDocuments <= shape.documents, "lossy documents are documents");
    this.shape = shape;
    this.#cluster = cluster;
    this.#codec = codec;
    const random = new SeededRandom("synthetic history");
    this.#origins = cluster.regions.map(({ code }) => newOrigin(code, 1, random));
  }

  /** Writes `common` into an empty store. Once. */
  writeCommon(store: Store): void {
    assert(this.#written === 0, "a history is written once");
    const { documents, lossyDocuments } = this.shape;
    store.begin();
    for (let i = 0; i < lossyDocuments; i++) this.#writeLossyDocument(store, i);
    store.commit();
    // By position, so that rows and lanes are written in the order of their keys.
    const places = Array.from({ length: documents - lossyDocuments }, (_, i) =>
      this.#placeOf(profileIdAt(lossyDocuments + i)),
    ).sort((a, b) => a.position - b.position);
    const chunk = Math.max(1, Math.floor(TRANSACTION_ENTRIES / this.shape.changesPerDocument));
    for (let at = 0; at < places.length; at += chunk) {
      store.begin();
      this.#writeDocuments(store, places.slice(at, at + chunk));
      store.commit();
    }
    store.begin();
    for (const [lane, count] of this.#lanes.entries()) {
      store.writeFrontier(lane, new LaneFrontier(count));
    }
    for (const row of this.#buckets.values()) store.writeBucket(row);
    store.commit();
  }

  /** Turns a copy of `common` into `lossy(lost)`; into `complete` when nothing is lost. */
  complete(store: Store, lost: number): void {
    assert(lost <= this.#lossy.length, "only lossy documents lose changes");
    const buckets = new Map<string, BucketRow>();
    store.begin();
    for (const { before, last } of this.#lossy.slice(lost)) {
      const element = elementOf(this.#cluster.keys, before.docId, last.hash);
      store.writeDocument({
        ...before,
        heads: last.hash,
        changeCount: before.changeCount + 1,
        sum: addSums(before.sum, element),
        updatedHlc: last.hlc,
      });
      store.appendTail(before, last.change, 1);
      store.appendLog(last, low64(element));
      const key = this.#bucketKey(before);
      const bucket = must(buckets.get(key) ?? this.#buckets.get(key), "the document's bucket");
      buckets.set(key, grown(bucket, { documents: 0, changes: 1, sum: element }));
    }
    for (const row of buckets.values()) store.writeBucket(row);
    store.commit();
  }

  /** Bytes of the changes that `lossy(lost)` lacks. */
  lostBytes(lost: number): number {
    return this.#lossy.slice(0, lost).reduce((sum, { last }) => sum + last.change.length, 0);
  }

  #writeLossyDocument(store: Store, index: number): void {
    const id = profileIdAt(index);
    const place = this.#placeOf(id);
    const entries = this.#realEntries(place, this.#originAt(index));
    const last = must(entries.pop(), "the last change");
    let sum = SUM_ZERO;
    for (const entry of entries) {
      const element = elementOf(this.#cluster.keys, place.docId, entry.hash);
      sum = addSums(sum, element);
      store.appendLog(entry, low64(element));
    }
    const first = must(entries[0], "a first change");
    const newest = must(entries.at(-1), "a change before the last");
    const before = {
      ...rowOf(place, id, { heads: newest.hash, changeCount: entries.length, sum }),
      createdHlc: first.hlc,
      updatedHlc: newest.hlc,
    };
    store.writeDocument(before);
    store.appendTail(place, Buffer.concat(entries.map(({ change }) => change)), entries.length);
    this.#account(place, entries.length, sum);
    this.#lossy.push({ before, last });
  }

  /** Real changes under this document's name. */
  #realEntries(place: DocumentPlace, origin: Origin): LogEntry[] {
    const { docId, shard } = place;
    return this.#changesOf(origin).map(({ hash: name, change }) => {
      const position = this.#next(place, origin);
      return {
        ...{ shard, origin, ...position, docId },
        ...{ hash: name, dep: VECTOR_ZERO, change, containers: [] },
      };
    });
  }

  #changesOf(origin: Origin): readonly RealChange[] {
    let changes = this.#changesByOrigin.get(origin);
    if (changes === undefined) {
      changes = makeRealChanges(this.#codec, origin, this.shape.changesPerDocument);
      this.#changesByOrigin.set(origin, changes);
    }
    return changes;
  }

  /**
   * Log rows go in the order of their elements: the one index whose keys are random is then visited page by
   * page, once per transaction.
   */
  #writeDocuments(store: Store, places: readonly DocumentPlace[]): void {
    const { changesPerDocument } = this.shape;
    const log: { readonly entry: LogEntry; readonly element64: bigint }[] = [];
    for (const place of places) {
      const { docId, shard } = place;
      const origin = this.#originAt(docId[0] ?? 0);
      let sum = SUM_ZERO;
      let newest: LogEntry | undefined;
      const created = this.#written;
      for (let n = 0; n < changesPerDocument; n++) {
        const name = nameOf(docId, n);
        const entry: LogEntry = {
          ...{ shard, origin, ...this.#next(place, origin), docId },
          ...{ hash: name, dep: VECTOR_ZERO, change: NO_CHANGE, containers: [] },
        };
        const element = elementOf(this.#cluster.keys, docId, name);
        sum = addSums(sum, element);
        log.push({ entry, element64: low64(element) });
        newest = entry;
      }
      const { hash: head, hlc } = must(newest, "a change");
      store.writeDocument({
        ...rowOf(place, undefined, { heads: head, changeCount: changesPerDocument, sum }),
        createdHlc: hlcAt(created),
        updatedHlc: hlc,
      });
      this.#account(place, changesPerDocument, sum);
    }
    log.sort((a, b) => (a.element64 < b.element64 ? -1 : 1));
    for (const { entry, element64 } of log) store.appendLog(entry, element64);
  }

  /** The next place in a lane, and the next moment. */
  #next({ shard }: DocumentPlace, origin: Origin): { readonly seq: number; readonly hlc: Hlc } {
    const lane = { shard, origin };
    const seq = (this.#lanes.get(lane) ?? 0) + 1;
    this.#lanes.set(lane, seq);
    return { seq, hlc: hlcAt(this.#written++) };
  }

  #placeOf(id: ProfileId): DocumentPlace {
    const docId = docIdOf(id);
    const position = positionOf(this.#cluster.keys, docId);
    return { docId, position, shard: shardOf(position, this.#cluster.shardCount) };
  }

  #originAt(index: number): Origin {
    return must(this.#origins[index % this.#origins.length], "an origin");
  }

  #account(place: DocumentPlace, changes: number, sum: Sum): void {
    const key = this.#bucketKey(place);
    const { shard } = place;
    const bucket = this.#bucketOf(place);
    const row = this.#buckets.get(key) ?? {
      shard,
      bucket,
      documents: 0,
      changes: 0,
      sum: SUM_ZERO,
    };
    this.#buckets.set(key, grown(row, { documents: 1, changes, sum }));
  }

  #bucketKey(place: DocumentPlace): string {
    return `${place.shard} ${this.#bucketOf(place)}`;
  }

  #bucketOf({ position }: DocumentPlace): number {
    const { shardCount } = this.#cluster;
    const depth = depthFor(this.shape.documents / shardCount);
    return 2 ** depth + bucketOf(position, shardCount, depth); // as the tree numbers them
  }
}

function profileIdAt(index: number): ProfileId {
  return `p${index}` as ProfileId;
}

function hlcAt(index: number): Hlc {
  return hlcFromMs(START_MS + index * CHANGE_PERIOD_MS);
}

function nameOf(docId: DocId, n: number): ChangeHash {
  const input = Buffer.allocUnsafe(20);
  input.set(docId, 0);
  input.writeUInt32LE(n, 16);
  return mustChangeHash(hash("sha256", input, "buffer"));
}
