/**
 * Documents, each loaded from the store afresh, against their own bytes and against the log.
 *
 *     bytes     load                     sum, count, heads   are those of its changes
 *     log       every change of the document in the log is in the document
 *     times     dep, created, updated    follow from its entries
 *     view      of a clean row           is what rendering gives
 *
 * Where row and bytes disagree, the log decides which of the two was damaged: a row that agrees with the
 * log convicts the bytes, and the document is rebuilt; otherwise the row is derived again. Of changes that
 * the log has no more, row and bytes are the only witnesses: bytes with the heads that the row names are
 * whole, because a head names all that it builds on.
 */
import type { DocKey, ProfileId, RegionVector } from "@atoll/core";
import {
  docIdOf,
  docIdOfKey,
  docKeyOf,
  elementOf,
  errorText,
  limits,
  low64,
  mustDocId,
  parseDocId,
  shardRange,
  sumsEqual,
  toHex,
} from "@atoll/core";
import { DocumentError, splitChunks } from "@atoll/profile";
import type { DocumentRow, DocumentScan, RawPlace } from "@atoll/store";
import type { Facts } from "./restorer.ts";
import type { ScrubJob } from "./scrub-job.ts";
import type { LoggedElements } from "./scrub-log.ts";

const NO_ID = new Uint8Array(0);

/** Yields how many rows it has looked at since. */
export function* scrubDocuments(
  job: ScrubJob,
  shard: number,
  logged: LoggedElements,
): Generator<number> {
  const { cluster, store } = job.replica;
  const { from, to } = shardRange(shard, cluster.shardCount);
  const isLast = shard === cluster.shardCount - 1;
  const seen = new Set<DocKey>();
  let after: RawPlace | undefined =
    shard === 0 ? undefined : { position: BigInt(from), docId: NO_ID };
  for (let isDone = false; !isDone;) {
    const page = store.scrub.scanDocuments(after, limits.SCRUB_PAGE_DOCUMENTS);
    isDone = page.length < limits.SCRUB_PAGE_DOCUMENTS;
    for (const scan of page) {
      if (!isLast && scan.key.position >= BigInt(to)) {
        isDone = true;
        break;
      }
      after = scan.key;
      const docId = parseDocId(scan.key.docId);
      if (docId !== undefined) seen.add(docKeyOf(docId));
      scrubDocument(job, scan, docId && logged.get(docKeyOf(docId)));
      job.documentsDone++;
      yield limits.SCRUB_DOCUMENT_COST;
    }
  }
  for (const key of logged.keys()) {
    if (seen.has(key)) continue;
    const place = job.replica.placeOf(docIdOfKey(key));
    if (store.readDocument(place) !== undefined) continue;
    job.replica.group.open();
    const isRebuilt = job.replica.restorer.rebuild(place) !== undefined;
    const what = "the log has changes of it and the row is gone";
    job.report({
      table: "document",
      where: toHex(place.docId),
      what,
      repair: isRebuilt ? "done" : "none",
    });
    yield limits.SCRUB_DOCUMENT_COST;
  }
}

function scrubDocument(job: ScrubJob, scan: DocumentScan, logged: Set<bigint> | undefined): void {
  const { replica } = job;
  const docId = parseDocId(scan.key.docId);
  const place = docId && replica.placeOf(docId);
  if (place === undefined || BigInt(place.position) !== scan.key.position) {
    // Which of the two was damaged cannot be told; bytes and log know the document, and bring it back.
    takeAway(job, scan);
    const where = toHex(scan.key.docId);
    job.report({ table: "document", where, what: "lies at another position", repair: "done" });
    return;
  }
  const { row } = scan;
  if (row === undefined) {
    rebuild(job, scan, "the row does not decode");
    return;
  }
  let facts: Facts;
  try {
    const profile = replica.restorer.load(scan.body);
    try {
      facts = replica.restorer.facts(place, profile, row);
    } finally {
      profile.free();
    }
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error;
    if (row.quarantined && replica.quarantine.hasDocument(place.docId)) return; // known already
    rebuild(job, scan, `does not load: ${errorText(error)}`);
    return;
  }
  const elements = new Set(
    facts.hashes.map((hash) => low64(elementOf(replica.cluster.keys, place.docId, hash))),
  );
  const isMissingSome = [...(logged ?? [])].some((element) => !elements.has(element));
  if (isMissingSome || !sumsEqual(facts.row.sum, row.sum) || isForeign(facts)) {
    judge(job, scan, row, facts, { isMissingSome });
    return;
  }
  const differing = differences(row, place.shard, facts);
  if (differing.length > 0) {
    replica.group.open();
    replica.restorer.correct(row, facts);
    job.report({
      table: "document",
      where: toHex(place.docId),
      what: `does not follow from its changes: ${differing.join(", ")}`,
      repair: "done",
    });
  }
  if (row.quarantined) replica.quarantine.releaseDocument(place.docId);
  scrubTail(job, scan);
}

/** Row and bytes do not agree: the log tells who is right. */
function judge(
  job: ScrubJob,
  scan: DocumentScan,
  row: DocumentRow,
  facts: Facts,
  log: { readonly isMissingSome: boolean },
): void {
  const isLogged = facts.isLogged && facts.hashes.length >= row.changeCount;
  const isKnown = isLogged || Buffer.compare(facts.row.heads, row.heads) === 0;
  const isWhole = !log.isMissingSome && isKnown && !isForeign(facts);
  if (!isWhole) {
    const what = isForeign(facts) ? "another document's bytes" : "changes were lost";
    rebuild(job, scan, what);
    return;
  }
  job.replica.group.open();
  job.replica.restorer.correct(row, facts);
  const what = "its sum is not that of its changes";
  job.report({ table: "document", where: toHex(row.docId), what, repair: "done" });
}

/** The bytes say that they are another profile's. */
function isForeign({ row, hashes }: Facts): boolean {
  if (hashes.length === 0 || row.profileId === undefined) return false;
  return docKeyOf(docIdOf(row.profileId)) !== docKeyOf(row.docId);
}

function differences(row: DocumentRow, shard: number, facts: Facts): string[] {
  const is = facts.row;
  const mine: Record<string, boolean> = {
    shard: row.shard === shard,
    changeCount: row.changeCount === is.changeCount,
    heads: Buffer.compare(row.heads, is.heads) === 0,
    dep: sameVector(row.dep, is.dep),
    createdHlc: row.createdHlc === is.createdHlc,
    updatedHlc: row.updatedHlc === is.updatedHlc,
    quarantined: !row.quarantined,
  };
  const rendered: Record<string, boolean> = {
    profileId: row.profileId === is.profileId,
    deleted: row.deleted === is.deleted,
    conflicts: row.conflicts === is.conflicts,
    view: row.view === is.view,
  };
  const all = row.dirty ? mine : { ...mine, ...rendered };
  return Object.entries(all).flatMap(([name, isSame]) => (isSame ? [] : [name]));
}

function sameVector(a: RegionVector, b: RegionVector): boolean {
  return a.size === b.size && [...a].every(([region, hlc]) => b.get(region) === hlc);
}

function scrubTail(job: ScrubJob, { row, body, isTailMeasured }: DocumentScan): void {
  if (body === undefined || row === undefined) return;
  const tailChanges = splitChunks(body.tail)?.length ?? body.tailChanges;
  if (isTailMeasured && tailChanges === body.tailChanges) return;
  job.replica.group.open();
  job.replica.store.writeBody(row, { ...body, tailChanges });
  const what = "the sizes of its tail";
  job.report({ table: "document", where: toHex(row.docId), what, repair: "done" });
}

/** A fresh row and body: the old row may name a body that is another document's. */
function rebuild(job: ScrubJob, scan: DocumentScan, what: string): void {
  const { replica } = job;
  const docId = mustDocId(scan.key.docId);
  const place = replica.placeOf(docId);
  replica.group.open();
  // Asked anew: rows may have been trimmed since the walk passed them.
  const logged = replica.store
    .readLogOfDocument(place)
    .map(({ hash }) => low64(elementOf(replica.cluster.keys, docId, hash)));
  const isInLog = scan.row !== undefined && low64(scan.row.sum) === sumOf(new Set(logged));
  const salvage = !isInLog && isOwnBody(job, scan) ? scan.body : undefined;
  const rebuilt = replica.restorer.rebuild(place, { before: scan.row, salvage, isFresh: true });
  job.hasOrphans = true;
  if (rebuilt !== undefined) {
    job.hasGaps ||= scan.row !== undefined && rebuilt.changeCount < scan.row.changeCount;
  } else if (scan.row !== undefined) {
    replica.quarantine.addDocument(docId, what, scan.body?.tail ?? NO_ID);
    replica.store.writeDocument({ ...scan.row, quarantined: true });
  }
  const repair = rebuilt === undefined ? "none" : "done";
  job.report({ table: "document", where: toHex(docId), what, repair });
}

/** Equal to the row's: the log has all that it counted, and nothing has to be believed of the bytes. */
function sumOf(elements: ReadonlySet<bigint>): bigint {
  return BigInt.asIntN(
    64,
    [...elements].reduce((sum, element) => sum + element, 0n),
  );
}

/** False when the bytes load and turn out to be another profile's. */
function isOwnBody(job: ScrubJob, { body, key }: DocumentScan): boolean {
  const profileId = profileIdOf(job, body);
  if (profileId === undefined) return true;
  return toHex(docIdOf(profileId)) === toHex(key.docId);
}

function takeAway(job: ScrubJob, { key, row, body }: DocumentScan): void {
  const { replica } = job;
  replica.group.open();
  replica.store.scrub.removeDocumentRow(key);
  job.hasOrphans = true;
  const profileId = profileIdOf(job, body) ?? row?.profileId;
  if (body === undefined || profileId === undefined) return;
  const place = replica.placeOf(docIdOf(profileId));
  if (replica.store.readDocument(place) !== undefined) return;
  replica.restorer.rebuild(place, { before: row, salvage: body, isFresh: true });
}

/** As the bytes themselves say it, where they load. */
function profileIdOf({ replica }: ScrubJob, body: DocumentScan["body"]): ProfileId | undefined {
  if (body === undefined) return undefined;
  try {
    const profile = replica.restorer.load(body);
    try {
      return profile.render().profileId;
    } finally {
      profile.free();
    }
  } catch (error) {
    if (error instanceof DocumentError) return undefined;
    throw error;
  }
}
