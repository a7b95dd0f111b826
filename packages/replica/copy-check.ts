/**
 * Is a copy of a database what its bytes say? Everything that can be computed is computed anew, and
 * nothing is mended: of a backup one wants to know, not to be spared.
 *
 *     log        every row decodes, its seal holds, its change has the name that it is filed under
 *     documents  each loads; count and sum of its changes, and the view of a clean row, are those of its row
 *     shards     the sums of the documents are those of the stored buckets
 *
 * A document that its region had set aside does not load; that is no fault of the copy, and is counted.
 */
import type { Cluster, DocId, Sum } from "@atoll/core";
import {
  SUM_ZERO,
  addSums,
  elementOf,
  errorText,
  limits,
  parseDocId,
  positionOf,
  shardOf,
  sumsEqual,
  toHex,
} from "@atoll/core";
import type { ProfileCodec } from "@atoll/profile";
import { DocumentError, parseChangeChunk } from "@atoll/profile";
import type { DocumentScan, LogScan, RawLane, RawPlace, Store } from "@atoll/store";

export interface CopyToCheck {
  readonly store: Store;
  readonly cluster: Pick<Cluster, "keys" | "shardCount">;
  readonly codec: ProfileCodec;
}

/** What lies in one shard, added up. */
export interface ShardAccount {
  readonly documents: number;
  readonly changes: number;
  readonly sum: Sum;
}

export interface CopyFindings {
  documents: number;
  entries: number;
  /** Documents that their region had set aside. */
  quarantined: number;
  /** Faults found; the first of them in words. */
  found: number;
  readonly listed: string[];
}

const EMPTY: ShardAccount = { documents: 0, changes: 0, sum: SUM_ZERO };
const NOBODY = new Uint8Array(16);
const BEFORE_ALL = -(2n ** 63n);

/** Of each shard, as the buckets have it: what comparisons between regions go by. */
export function shardAccounts(store: Store, shardCount: number): ShardAccount[] {
  const accounts = Array.from({ length: shardCount }, () => EMPTY);
  for (const { shard, documents, changes, sum } of store.readBuckets()) {
    const account = accounts[shard];
    if (account !== undefined) accounts[shard] = plus(account, { documents, changes, sum });
  }
  return accounts;
}

/** Yields after every page; what it has found so far is in `findings`. */
export function* checkCopy(copy: CopyToCheck, findings: CopyFindings): Generator<void> {
  yield* checkLog(copy, findings);
  const counted = Array.from({ length: copy.cluster.shardCount }, () => EMPTY);
  yield* checkDocuments(copy, findings, counted);
  const stored = shardAccounts(copy.store, copy.cluster.shardCount);
  counted.forEach((is, shard) => {
    const says = stored[shard] ?? EMPTY;
    if (
      is.documents === says.documents &&
      is.changes === says.changes &&
      sumsEqual(is.sum, says.sum)
    )
      return;
    report(findings, `shard ${shard}: its documents do not add up to its buckets`);
  });
}

export function emptyFindings(): CopyFindings {
  return { documents: 0, entries: 0, quarantined: 0, found: 0, listed: [] };
}

function* checkLog({ store }: CopyToCheck, findings: CopyFindings): Generator<void> {
  let lane: RawLane | undefined = store.scrub.nextLane(undefined);
  for (; lane !== undefined; lane = store.scrub.nextLane(lane)) {
    let after = BEFORE_ALL;
    for (let isDone = false; !isDone;) {
      const page: LogScan[] = store.scrub.scanLog(lane, after, limits.BACKUP_PAGE_ROWS);
      for (const row of page) {
        after = row.seq;
        const fault = faultOfEntry(row);
        const where = `log, shard ${lane.shard}, origin ${lane.origin}, seq ${row.seq}`;
        if (fault !== undefined) report(findings, `${where}: ${fault}`);
      }
      findings.entries += page.length;
      isDone = page.length < limits.BACKUP_PAGE_ROWS;
      yield;
    }
  }
}

function faultOfEntry({ entry, isVoid }: LogScan): string | undefined {
  if (entry === undefined) return "it does not decode, or its seal is broken";
  if (isVoid) return undefined;
  const parsed = parseChangeChunk(entry.change);
  if (parsed.kind === "fault") return `the change: ${parsed.reason}`;
  return toHex(parsed.hash) === toHex(entry.hash)
    ? undefined
    : "the change is not what it is named";
}

function* checkDocuments(
  copy: CopyToCheck,
  findings: CopyFindings,
  counted: ShardAccount[],
): Generator<void> {
  let after: RawPlace | undefined;
  for (let isDone = false; !isDone;) {
    const page = copy.store.scrub.scanDocuments(after, limits.BACKUP_PAGE_ROWS);
    for (const scan of page) {
      after = scan.key;
      const docId = parseDocId(scan.key.docId);
      const place = docId && positionOf(copy.cluster.keys, docId);
      const fault =
        docId === undefined || place === undefined || BigInt(place) !== scan.key.position
          ? "it lies at another document's place"
          : checkDocument(copy, docId, scan, findings);
      if (fault !== undefined) report(findings, `document ${toHex(scan.key.docId)}: ${fault}`);
      if (place === undefined || scan.row === undefined) continue;
      const shard = shardOf(place, copy.cluster.shardCount);
      const { changeCount, sum } = scan.row;
      counted[shard] = plus(counted[shard] ?? EMPTY, { documents: 1, changes: changeCount, sum });
    }
    findings.documents += page.length;
    isDone = page.length < limits.BACKUP_PAGE_ROWS;
    yield;
  }
}

function checkDocument(
  { codec, cluster }: CopyToCheck,
  docId: DocId,
  { row, body }: DocumentScan,
  findings: CopyFindings,
): string | undefined {
  if (row === undefined) return "its row does not decode";
  if (row.quarantined) {
    findings.quarantined++;
    return undefined;
  }
  try {
    const profile = codec.open(body ?? { base: undefined, tail: new Uint8Array() }, NOBODY);
    try {
      const hashes = profile.changeHashes();
      let sum = SUM_ZERO;
      for (const hash of hashes) sum = addSums(sum, elementOf(cluster.keys, docId, hash));
      if (hashes.length !== row.changeCount || !sumsEqual(sum, row.sum)) {
        return "its changes are not those of its row";
      }
      const isShown = row.dirty || profile.render().json === row.view;
      return isShown ? undefined : "its view is not what its changes make";
    } finally {
      profile.free();
    }
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error;
    return `it does not load: ${errorText(error)}`;
  }
}

function report(findings: CopyFindings, fault: string): void {
  findings.found++;
  if (findings.listed.length < limits.BACKUP_FAULTS_LISTED_MAX) findings.listed.push(fault);
}

function plus(a: ShardAccount, b: ShardAccount): ShardAccount {
  return {
    documents: a.documents + b.documents,
    changes: a.changes + b.changes,
    sum: addSums(a.sum, b.sum),
  };
}
