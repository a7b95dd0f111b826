/**
 * Snapshots as bytes, outside of V8's heap: as many as memory allows, and nothing for the collector to walk.
 *
 *     index      id ──▶ place
 *     segment    record │ record │ … │ free            the newest is filled from the front
 *     record     lengths, times │ id, entity-tag, session token, heads │ JSON
 *
 * As an object a snapshot takes twice what its JSON does, and what has been let go lies beside it until V8
 * collects. Here it takes a fifth more, and a read makes the object anew, which costs less than a list by
 * last use. When all segments are full the oldest is emptied whole; what is asked for while it lies in the older
 * half is written again into the newest, so what people read stays (Yang et al., "Segcache", NSDI 2021, and
 * "FIFO queues are all you need for cache eviction", SOSP 2023).
 */
import type { ProfileId, RegionVector } from "@atoll/core";
import { assert, limits } from "@atoll/core";
import { splitHex } from "./heads.ts";
import type { Snapshot } from "./snapshot.ts";

interface Segment {
  readonly bytes: Buffer;
  used: number;
}

/** Of a record: where each of its numbers lies, and the texts begin. */
const JSON_LENGTH = 0;
const TEXT_LENGTH = 4;
const TOKEN_LENGTH = 6;
const ID_LENGTH = 8;
const FLAGS = 9;
const CREATED_AT = 10;
const UPDATED_AT = 18;
const TEXT = 26;

const HAS_CONFLICTS = 1;
/** A byte for each character: such JSON is copied and not decoded. */
const IS_ASCII = 2;

const ETAG_CHARS = 22;
const TEXT_CHARS_MAX = 2 ** 16 - 1;

export class SnapshotSegments {
  readonly #vectorOf: (token: string) => RegionVector;
  readonly #segmentBytes: number;
  readonly #segmentsMax: number;
  readonly #placeById = new Map<ProfileId, number>();
  /** As many as were needed so far. */
  readonly #segments: Segment[] = [];
  /** Which of them is filled. */
  #newest = -1;

  constructor({
    vectorOf,
    segmentBytes = limits.SNAPSHOT_SEGMENT_BYTES,
    segmentsMax = limits.SNAPSHOT_SEGMENTS_MAX,
  }: {
    /** What a session token says that was made here. */
    readonly vectorOf: (token: string) => RegionVector;
    readonly segmentBytes?: number;
    readonly segmentsMax?: number;
  }) {
    this.#vectorOf = vectorOf;
    this.#segmentBytes = segmentBytes;
    this.#segmentsMax = segmentsMax;
  }

  get(id: ProfileId): Snapshot | undefined {
    const place = this.#placeById.get(id);
    if (place === undefined) return undefined;
    const number = Math.floor(place / this.#segmentBytes);
    const snapshot = this.#read(this.#segment(number), place % this.#segmentBytes);
    if (this.#isOld(number)) this.set(snapshot);
    return snapshot;
  }

  /** One that is too large is not kept. */
  set(snapshot: Snapshot & { readonly sessionToken: string }): void {
    const { id, etag, sessionToken, heads, json } = snapshot;
    const text = `${id}${etag}${sessionToken}${heads.join("")}`;
    const jsonBytes = Buffer.byteLength(json);
    const length = TEXT + text.length + jsonBytes;
    if (length > this.#segmentBytes || text.length > TEXT_CHARS_MAX) return this.delete(id);
    assert(etag.length === ETAG_CHARS, "an entity-tag has its length");
    const { bytes, used } = this.#withRoom(length);
    const isAscii = jsonBytes === json.length;
    bytes.writeUInt32LE(jsonBytes, used + JSON_LENGTH);
    bytes.writeUInt16LE(text.length, used + TEXT_LENGTH);
    bytes.writeUInt16LE(sessionToken.length, used + TOKEN_LENGTH);
    bytes[used + ID_LENGTH] = id.length;
    bytes[used + FLAGS] = (snapshot.hasConflicts ? HAS_CONFLICTS : 0) | (isAscii ? IS_ASCII : 0);
    bytes.writeDoubleLE(snapshot.createdAtMs, used + CREATED_AT);
    bytes.writeDoubleLE(snapshot.updatedAtMs, used + UPDATED_AT);
    bytes.write(text, used + TEXT, "latin1");
    bytes.write(json, used + TEXT + text.length, isAscii ? "latin1" : "utf8");
    // By an id of its own: the one that was given may be a part of its request's URL, and hold all of that.
    this.#placeById.set(idAt(bytes, used), this.#newest * this.#segmentBytes + used);
    this.#segment(this.#newest).used += length;
  }

  delete(id: ProfileId): void {
    this.#placeById.delete(id);
  }

  clear(): void {
    this.#placeById.clear();
    for (const segment of this.#segments) segment.used = 0;
    this.#newest = Math.min(this.#segments.length, 1) - 1;
  }

  #read({ bytes }: Segment, at: number): KeptSnapshot {
    const text = at + TEXT;
    const json = text + bytes.readUInt16LE(at + TEXT_LENGTH);
    const end = json + bytes.readUInt32LE(at + JSON_LENGTH);
    const flags = bytes[at + FLAGS] ?? 0;
    return new KeptSnapshot(this.#vectorOf, {
      text: bytes.toString("latin1", text, json),
      json: bytes.toString((flags & IS_ASCII) !== 0 ? "latin1" : "utf8", json, end),
      idChars: bytes[at + ID_LENGTH] ?? 0,
      tokenChars: bytes.readUInt16LE(at + TOKEN_LENGTH),
      createdAtMs: bytes.readDoubleLE(at + CREATED_AT),
      updatedAtMs: bytes.readDoubleLE(at + UPDATED_AT),
      hasConflicts: (flags & HAS_CONFLICTS) !== 0,
    });
  }

  #withRoom(length: number): Segment {
    const newest = this.#segments[this.#newest];
    if (newest !== undefined && newest.used + length <= this.#segmentBytes) return newest;
    this.#newest = (this.#newest + 1) % this.#segmentsMax;
    if (this.#newest === this.#segments.length) {
      this.#segments.push({ bytes: Buffer.allocUnsafeSlow(this.#segmentBytes), used: 0 });
    }
    const next = this.#segment(this.#newest);
    this.#empty(next);
    return next;
  }

  /** Forgets what lies in it, but for what has been written again elsewhere. */
  #empty(segment: Segment): void {
    const { bytes, used } = segment;
    const start = this.#newest * this.#segmentBytes;
    for (let at = 0; at < used;) {
      const id = idAt(bytes, at);
      if (this.#placeById.get(id) === start + at) this.#placeById.delete(id);
      at += TEXT + bytes.readUInt16LE(at + TEXT_LENGTH) + bytes.readUInt32LE(at + JSON_LENGTH);
    }
    segment.used = 0;
  }

  /** In the half that is emptied first. */
  #isOld(number: number): boolean {
    if (this.#segments.length < this.#segmentsMax) return false;
    const age = (this.#newest - number + this.#segmentsMax) % this.#segmentsMax;
    return age >= this.#segmentsMax / 2;
  }

  #segment(number: number): Segment {
    const segment = this.#segments[number];
    assert(segment !== undefined, "a place lies in a segment");
    return segment;
  }
}

/** A record, read again; what it depends on is looked up in its token by whoever asks. */
class KeptSnapshot implements Snapshot {
  readonly id: ProfileId;
  readonly json: string;
  readonly etag: string;
  readonly heads: readonly string[];
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly hasConflicts: boolean;
  readonly sessionToken: string;
  readonly #vectorOf: (token: string) => RegionVector;

  constructor(
    vectorOf: (token: string) => RegionVector,
    record: {
      readonly text: string;
      readonly json: string;
      readonly idChars: number;
      readonly tokenChars: number;
      readonly createdAtMs: number;
      readonly updatedAtMs: number;
      readonly hasConflicts: boolean;
    },
  ) {
    const { text, idChars, tokenChars } = record;
    const token = idChars + ETAG_CHARS;
    const heads = token + tokenChars;
    this.id = text.slice(0, idChars) as ProfileId;
    this.json = record.json;
    this.etag = text.slice(idChars, token);
    this.sessionToken = text.slice(token, heads);
    this.heads = splitHex(text.slice(heads));
    this.createdAtMs = record.createdAtMs;
    this.updatedAtMs = record.updatedAtMs;
    this.hasConflicts = record.hasConflicts;
    this.#vectorOf = vectorOf;
  }

  get dep(): RegionVector {
    return this.#vectorOf(this.sessionToken);
  }
}

function idAt(bytes: Buffer, at: number): ProfileId {
  const text = at + TEXT;
  return bytes.toString("latin1", text, text + (bytes[at + ID_LENGTH] ?? 0)) as ProfileId;
}
