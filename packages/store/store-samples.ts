/**
 * Rows for tests: complete, admissible, and told apart by one number.
 */
import { createHash } from "node:crypto";
import type { LogEntry, Origin, RegionCode } from "@atoll/core";
import {
  mustChangeHash,
  mustDocId,
  mustHlc,
  parseProfileId,
  must,
  parseOrigin,
  toHex,
} from "@atoll/core";
import type {
  BucketRow,
  DocumentPlace,
  DocumentRow,
  KeptAnswer,
  QuarantineRecord,
  StoredIdentity,
} from "./store.ts";

export const POSITION_MAX = 2 ** 52 - 1;
export const INT64_MIN = -(2n ** 63n);
export const INT64_MAX = 2n ** 63n - 1n;

export function digest(label: string | number): Uint8Array {
  return new Uint8Array(createHash("sha256").update(String(label)).digest());
}

export function sampleHash(n: number) {
  return mustChangeHash(digest(`change ${n}`));
}

export function sampleDocId(n: number) {
  return mustDocId(digest(`document ${n}`).slice(0, 16));
}

export function sampleOrigin(n: number): Origin {
  return must(parseOrigin(((1 + (n % 63)) * 2 ** 14 + n) * 2 ** 32 + 7), "origin");
}

export function samplePlace(n: number, position = n * 1000): DocumentPlace {
  return { docId: sampleDocId(n), position, shard: n % 4 };
}

export function sampleAnswer(n: number, changes: Partial<KeptAnswer> = {}): KeptAnswer {
  return {
    key: digest(`key ${n}`),
    fingerprint: digest(`request ${n}`),
    atMs: 1_000 + n,
    outcome: `{"n":${n}}`,
    ...changes,
  };
}

export function sampleDocument(n: number, changes: Partial<DocumentRow> = {}): DocumentRow {
  return {
    ...samplePlace(n),
    profileId: parseProfileId(`profile-${n}`),
    deleted: false,
    quarantined: false,
    dirty: false,
    heads: digest(`heads ${n}`),
    changeCount: n,
    sum: digest(`sum ${n}`),
    dep: new Map([[1 as RegionCode, mustHlc(2 ** 50 + n)]]),
    createdHlc: mustHlc(n),
    updatedHlc: mustHlc(2 ** 52 - 1),
    conflicts: 0,
    view: `{"n":${n},"text":"é 𝄞 \\u0000"}`,
    ...changes,
  };
}

export function sampleEntry(n: number, changes: Partial<LogEntry> = {}): LogEntry {
  return {
    shard: 0,
    origin: sampleOrigin(1),
    seq: n,
    hlc: mustHlc(1000 + n),
    docId: sampleDocId(n),
    hash: sampleHash(n),
    dep: new Map([
      [1 as RegionCode, mustHlc(n)],
      [63 as RegionCode, mustHlc(2 ** 52 - 1)],
    ]),
    change: digest(`bytes ${n}`),
    containers: [],
    ...changes,
  };
}

export function sampleIdentity(incarnation: number): StoredIdentity {
  return {
    clusterId: "reef",
    region: "eu-west",
    shardCount: 256,
    genesisHash: digest("genesis"),
    incarnation,
    origin: sampleOrigin(incarnation),
    actor: digest(`actor ${incarnation}`).slice(0, 16),
    cleanStop: false,
    announced: mustHlc(incarnation),
  };
}

export function sampleBucket(n: number, shard = 0): BucketRow {
  return { shard, bucket: n, documents: n, changes: 2 * n, sum: digest(`bucket ${n}`) };
}

export function sampleQuarantine(n: number): Omit<QuarantineRecord, "id"> {
  return {
    atMs: 1_700_000_000_000 + n,
    reason: `does not decode: ${n}`,
    fromRegion: "us-east",
    lane: { shard: 3, origin: sampleOrigin(2) },
    seq: n + 1,
    docId: sampleDocId(n),
    hash: sampleHash(n),
    bytes: digest(`bad ${n}`),
  };
}

/** The same value with bytes as hexadecimal text: a Buffer and a Uint8Array of equal bytes agree. */
export function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return `bytes ${toHex(value)}`;
  if (value instanceof Map) return { map: [...value] };
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, plain(part)]));
}
