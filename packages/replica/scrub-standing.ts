/**
 * What stands beside log and documents: buckets, frontier and identity as stored against what this process
 * goes by, and what is set aside against itself.
 *
 * Buckets are first counted again from the document rows, shard by shard; only then is the stored level
 * compared with the one in memory, which follows from documents and log by then.
 */
import { hlcFromMs, limits, low64, missingRegions, originText, toHex } from "@atoll/core";
import { parseChangeChunk } from "@atoll/profile";
import { contentOf } from "./quarantine-bytes.ts";
import type { ScrubJob } from "./scrub-job.ts";
import { readable } from "./scrub-job.ts";

export function scrubBuckets(job: ScrubJob, shard: number): void {
  const { replica } = job;
  if (!replica.ledger.recountShard(shard)) return;
  replica.group.open();
  const what = "not the sum of its documents";
  job.report({ table: "bucket", where: `shard ${shard}`, what, repair: "done" });
}

export function* scrubAside(job: ScrubJob): Generator<number> {
  yield* scrubPending(job);
  yield* scrubQuarantine(job);
}

/** After everything else: what the walk has set right in memory must be what is stored. */
export function scrubStanding(job: ScrubJob, nowMs: number): void {
  const { replica } = job;
  const { store, ledger, group } = replica;
  if (group.isOpen) ledger.write();
  const lanes = [...ledger.frontier.lanes()].filter(([, { max }]) => max > 0);
  const frontier = lanes.map(([lane, { contig, max, gaps }]) => ({ ...lane, contig, max, gaps }));
  const stored = readable(() => store.readFrontier().filter(({ max }) => max > 0));
  if (JSON.stringify(stored) !== JSON.stringify(frontier)) {
    group.open();
    store.scrub.clearFrontier();
    for (const [lane, held] of lanes) store.writeFrontier(lane, held);
    const what = "stored otherwise than it stands";
    job.report({ table: "frontier", where: "all lanes", what, repair: "done" });
  }
  const buckets = ledger.bucketRows();
  const text = (rows: typeof buckets | undefined): string =>
    JSON.stringify(rows?.filter(isUsed).map((row) => ({ ...row, sum: toHex(row.sum) })));
  if (text(readable(() => store.readBuckets())) !== text(buckets)) {
    group.open();
    store.scrub.clearBuckets();
    for (const row of buckets) store.writeBucket(row);
    const what = "stored otherwise than it stands";
    job.report({ table: "bucket", where: "all buckets", what, repair: "done" });
  }
  scrubTrimmed(job);
  scrubCoverage(job);
  scrubIdentity(job);
  scrubLastHlc(job, nowMs);
  if (!job.hasOrphans) return;
  group.open();
  store.scrub.removeOrphans();
}

/** Which places may have no row, and where sums are exact. */
function scrubTrimmed(job: ScrubJob): void {
  const { store, ledger, group } = job.replica;
  const lanes = [...ledger.trimmedLanes()].map(([lane, through]) => ({ ...lane, through }));
  const horizon = store.readHorizon();
  const text = (rows: readonly unknown[]): string => JSON.stringify(rows);
  const isRight =
    text(store.readTrimmed()) === text(lanes) &&
    horizon !== undefined &&
    missingRegions(horizon, ledger.horizon).length === 0 &&
    missingRegions(ledger.horizon, horizon).length === 0;
  if (isRight) return;
  group.open();
  store.clearTrimmed();
  for (const { through, ...lane } of lanes) store.writeTrimmed(lane, through);
  store.writeHorizon(ledger.horizon);
  const what = "stored otherwise than it stands";
  job.report({ table: "trimmed", where: "all lanes", what, repair: "done" });
}

/** It may lag behind what this process knows to be covered, never be ahead of it. */
function scrubCoverage(job: ScrubJob): void {
  const { store, ledger, group } = job.replica;
  const stored = readable(() => store.readCoverage());
  const isAhead = stored === undefined || missingRegions(ledger.covered, stored).length > 0;
  if (!isAhead) return;
  group.open();
  store.clearCoverage();
  store.writeCoverage(ledger.covered);
  const what = "more than is covered";
  job.report({ table: "coverage", where: "all regions", what, repair: "done" });
}

function isUsed({
  documents,
  changes,
  sum,
}: {
  documents: number;
  changes: number;
  sum: Uint8Array;
}) {
  return documents !== 0 || changes !== 0 || low64(sum) !== 0n;
}

function scrubIdentity(job: ScrubJob): void {
  const { store, identity, group } = job.replica;
  const text = (value: typeof identity | undefined): string =>
    JSON.stringify(
      value && { ...value, genesisHash: toHex(value.genesisHash), actor: toHex(value.actor) },
    );
  if (text(readable(() => store.readIdentity())) === text(identity)) return;
  group.open();
  store.writeIdentity(identity);
  const where = originText(identity.origin);
  job.report({ table: "identity", where, what: "not who this process is", repair: "done" });
}

/**
 * The highest timestamp must explain itself: it is where our clock starts again. Judged by what it was when the
 * pass began: what came since may be from a region whose clock is ahead, and lie in rows that were passed.
 */
function scrubLastHlc(job: ScrubJob, nowMs: number): void {
  const { store, group } = job.replica;
  const last = readable(() => store.lastHlc());
  const bound = hlcFromMs(nowMs + limits.CLOCK_PULL_MS_MAX);
  const known = [job.highestHlc, ...job.replica.ledger.horizon.values()]; // of rows, and of those gone
  const least = known.reduce((a, b) => (a > b ? a : b));
  const highest = least > bound ? least : bound;
  const before = job.lastHlcBefore;
  const isDecoded = before !== undefined && last !== undefined;
  if (isDecoded && last >= job.highestHlc && before <= highest) return;
  group.open();
  store.writeLastHlc(least);
  const what = "the highest timestamp is nobody's";
  job.report({ table: "log", where: "the newest row", what, repair: "done" });
}

function* scrubPending(job: ScrubJob): Generator<number> {
  const { store, group, intake, waitingRoom } = job.replica;
  let after: bigint | undefined;
  for (;;) {
    const page = store.scrub.scanPending(after, limits.SCRUB_PAGE_ROWS);
    for (const { row, pending } of page) {
      after = row;
      const judgement = pending && intake.judge(pending.entry);
      if (pending === undefined || judgement?.kind === "bad") {
        group.open();
        store.scrub.removePendingRow(row);
        waitingRoom.reload();
        const what = judgement?.kind === "bad" ? judgement.reason : "the row does not decode";
        job.report({ table: "pending", where: `row ${row}`, what, repair: "peers" });
        job.hasGaps = true;
        continue;
      }
      if (judgement?.kind === "sound") {
        group.open();
        if (!store.hasPending(pending.entry, pending.entry.seq)) continue; // released by one before it
        waitingRoom.remove(pending);
        job.replica.arrivals.take(judgement.sound);
        const what = "waits for a parent that is here";
        job.report({ table: "pending", where: `row ${row}`, what, repair: "done" });
        continue;
      }
      const parsed = parseChangeChunk(pending.entry.change);
      const deps = parsed.kind === "change" ? parsed.deps : [];
      const [first] = deps;
      if (first === undefined || deps.some((dep) => toHex(dep) === toHex(pending.missing)))
        continue;
      group.open();
      const missing = judgement?.kind === "waiting" ? judgement.missing : first;
      waitingRoom.add(pending.entry, missing);
      const what = "waits for no parent of its own";
      job.report({ table: "pending", where: `row ${row}`, what, repair: "done" });
    }
    yield page.length + 1;
    if (page.length < limits.SCRUB_PAGE_ROWS) return;
  }
}

function* scrubQuarantine(job: ScrubJob): Generator<number> {
  const { store, group, quarantine } = job.replica;
  let after: bigint | undefined;
  for (;;) {
    const page = store.scrub.scanQuarantine(after, limits.SCRUB_PAGE_DOCUMENTS);
    for (const { row, record } of page) {
      after = row;
      if (record !== undefined && contentOf(record) !== undefined) continue;
      group.open();
      store.scrub.removeQuarantineRow(row);
      quarantine.reload();
      const what = "a record that is not what was set aside";
      job.report({ table: "quarantine", where: `record ${row}`, what, repair: "done" });
    }
    yield page.length + 1;
    if (page.length < limits.SCRUB_PAGE_DOCUMENTS) break;
  }
  quarantine.reload(); // by the ids that the records have now
}
