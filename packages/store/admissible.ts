/**
 * What may be written at all: the same refusals for every store.
 *
 * A store that accepts what another would refuse is a trap: the test passes in memory and the disk
 * stops the process. SQLite also forgives things that are wrong for us, such as a digest of the wrong
 * length or a text that is not Unicode and would come back changed. So both ask here first, before
 * they change anything.
 */
import type {
  ChangeHash,
  DocId,
  LaneFrontier,
  Lane,
  LogEntry,
  RegionVector,
  SeqRange,
} from "@atoll/core";
import {
  InvariantError,
  POSITION_BITS,
  SUM_BYTES,
  assert,
  parseHlc,
  parseOrigin,
  parseRegionCode,
} from "@atoll/core";
import type {
  BucketRow,
  DocumentBody,
  DocumentPlace,
  DocumentRow,
  KeptAnswer,
  PendingEntry,
  ProfileListing,
  QuarantineRecord,
  StoredIdentity,
} from "./store.ts";

const POSITION_SPAN = 2 ** POSITION_BITS;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const ACTOR_BYTES = 16;
const HASH_BYTES = 32;
const DOC_ID_BYTES = 16;

export function assertIdentity(identity: StoredIdentity): void {
  assertText(identity.clusterId, "cluster id");
  assertText(identity.region, "region");
  assertCount(identity.shardCount, "shard count");
  assertCount(identity.incarnation, "incarnation");
  assertOrigin(identity.origin);
  assertHlc(identity.announced);
  assert(identity.genesisHash.length === HASH_BYTES, "a genesis hash has 32 bytes");
  assert(identity.actor.length === ACTOR_BYTES, "an actor has 16 bytes");
}

export function assertPlace({ docId, position, shard }: DocumentPlace): void {
  assertDocId(docId);
  assertCount(shard, "shard");
  assertCount(position, "position");
  if (position >= POSITION_SPAN) refuse(`not a position: ${position}`);
}

export function assertDocumentRow(row: DocumentRow): void {
  assertPlace(row);
  assert(row.heads.length % HASH_BYTES === 0, "heads are hashes of 32 bytes");
  assert(row.sum.length === SUM_BYTES, "a sum has 32 bytes");
  assertCount(row.changeCount, "change count");
  assertCount(row.conflicts, "conflicts");
  assertHlc(row.createdHlc);
  assertHlc(row.updatedHlc);
  if (row.profileId !== undefined) assertText(row.profileId, "profile id");
  if (row.view !== undefined) assertText(row.view, "view");
}

export function assertBody(body: DocumentBody): void {
  assertCount(body.tailChanges, "tail changes");
}

export function assertLane({ shard, origin }: Lane): void {
  assertCount(shard, "shard");
  assertOrigin(origin);
}

export function assertEntry(entry: LogEntry): void {
  assertLane(entry);
  assertSeq(entry.seq);
  assertHlc(entry.hlc);
  assertDocId(entry.docId);
  assertHash(entry.hash);
}

export function assertSeqRange({ lo, hi }: SeqRange): void {
  assertCount(lo, "first of a range");
  assertCount(hi, "last of a range");
}

export function assertElement64(element64: bigint): void {
  assert(element64 >= INT64_MIN && element64 <= INT64_MAX, "an element's low half has 64 bits");
}

export function assertFrontier(lane: Lane, frontier: LaneFrontier): void {
  assertLane(lane);
  assertCount(frontier.contig, "contig");
  assertCount(frontier.max, "max");
}

export function assertBucket(row: BucketRow): void {
  assertCount(row.shard, "shard");
  assertCount(row.bucket, "bucket");
  assertCount(row.documents, "documents");
  assertCount(row.changes, "changes");
  assert(row.sum.length === SUM_BYTES, "a sum has 32 bytes");
}

export function assertCoverage(coverage: RegionVector): void {
  for (const [region, hlc] of coverage) {
    assert(parseRegionCode(region) !== undefined, `not a region: ${region}`);
    assertHlc(hlc);
  }
}

export function assertPending({ entry, missing }: PendingEntry): void {
  assertEntry(entry);
  assertHash(missing);
}

export function assertQuarantine(record: Omit<QuarantineRecord, "id">): void {
  assertTime(record.atMs);
  if (record.fromRegion !== undefined) assertText(record.fromRegion, "region");
  if (record.lane !== undefined) assertLane(record.lane);
  if (record.seq !== undefined) assertSeq(record.seq);
  if (record.hash !== undefined) assertHash(record.hash);
  assertDocId(record.docId);
}

export function assertKeptAnswer({ key, fingerprint, atMs, outcome }: KeptAnswer): void {
  assert(key.length === HASH_BYTES, "a key has 32 bytes");
  assert(fingerprint.length === HASH_BYTES, "a fingerprint has 32 bytes");
  assertTime(atMs);
  assertText(outcome, "an outcome");
}

export function assertListing(listing: ProfileListing): void {
  assertCount(listing.limit, "limit");
  if (listing.order === "updated") assertHlc(listing.since);
}

export function assertTime(atMs: number): void {
  assert(Number.isSafeInteger(atMs), `not a time: ${atMs}`);
}

export function assertCount(value: number, what: string): void {
  if (!Number.isSafeInteger(value) || value < 0) refuse(`${what} is no count: ${value}`);
}

function assertSeq(seq: number): void {
  if (!Number.isSafeInteger(seq) || seq < 1) refuse(`sequence numbers start at 1, not ${seq}`);
}

function assertHlc(hlc: number): void {
  if (parseHlc(hlc) === undefined) refuse(`not a timestamp: ${hlc}`);
}

function assertOrigin(origin: number): void {
  if (parseOrigin(origin) === undefined) refuse(`not an origin: ${origin}`);
}

function assertDocId(docId: DocId): void {
  assert(docId.length === DOC_ID_BYTES, "a document id has 16 bytes");
}

function assertHash(hash: ChangeHash): void {
  assert(hash.length === HASH_BYTES, "a change hash has 32 bytes");
}

/** Where the reason names a number: made of every number that is right, it would cost more than the look at it. */
function refuse(reason: string): never {
  throw new InvariantError(reason);
}

function assertText(text: string, what: string): void {
  if (!text.isWellFormed()) refuse(`${what} is not Unicode`);
}
