/**
 * The log, row by row, against itself and against the frontier.
 *
 *     row       decodes, its seal holds, its change is what it is named, it lies in its document's shard,
 *               its actor is its origin's, its element is the one that look-ups use
 *     frontier  holds exactly the places that have a row
 *
 * At or below the place up to which its lane is trimmed a row may be missing, and nothing follows from that.
 * A row may be VOID: dropped by an operator, and held. A VOID row whose timestamp is zero is the mark of
 * an entry that was lost here: not held, and when the entry comes again, a warning that its document may
 * have the change already. Marks are rows so that they outlive the process.
 *
 * What a damaged row held is not lost from its document; only its place in the log opens. Of our own
 * current name it is worse: peers may hold what we no longer know we gave, so we take a new name, as
 * after a restore.
 */
import type { DocKey, Lane, LogEntry, SeqRange } from "@atoll/core";
import {
  HLC_ZERO,
  docKeyOf,
  elementOf,
  limits,
  low64,
  mustDocId,
  originRegion,
  originText,
  parseOrigin,
  regionByCode,
  toHex,
} from "@atoll/core";
import { parseChangeChunk } from "@atoll/profile";
import type { LogScan, RawLane } from "@atoll/store";
import { isActorOf } from "./intake.ts";
import type { ScrubJob } from "./scrub-job.ts";

/** Low halves of the elements that the log holds of each document of a shard. */
export type LoggedElements = Map<DocKey, Set<bigint>>;

const BEFORE_ALL = -(2n ** 63n);
const AFTER_ALL = 2n ** 63n - 1n;
const NO_DOCUMENT = mustDocId(new Uint8Array(16));

/** Yields how many rows it has looked at since. */
export function* scrubLog(job: ScrubJob, shard: number): Generator<number, LoggedElements> {
  const logged: LoggedElements = new Map();
  const { store, ledger, cluster } = job.replica;
  const isFirst = shard === 0;
  const isLast = shard === cluster.shardCount - 1;
  const before = { shard: BigInt(shard) - 1n, origin: AFTER_ALL };
  let lane = store.scrub.nextLane(isFirst ? undefined : before);
  while (lane !== undefined && (isLast || lane.shard <= BigInt(shard))) {
    yield* scrubLane(job, lane, logged);
    lane = store.scrub.nextLane(lane);
  }
  for (const [other, frontier] of [...ledger.frontier.lanes()]) {
    if (other.shard !== shard || frontier.max === 0) continue;
    const raw = { shard: BigInt(other.shard), origin: BigInt(other.origin) };
    const [row] = store.scrub.scanLog(raw, undefined, 1);
    if (row === undefined) lose(job, other, { lo: 1, hi: frontier.max });
  }
  return logged;
}

function* scrubLane(job: ScrubJob, raw: RawLane, logged: LoggedElements): Generator<number> {
  const lane = laneOf(raw);
  let after = BEFORE_ALL;
  let previous = lane === undefined ? 0 : job.replica.ledger.trimmedThrough(lane);
  for (;;) {
    const { store, ledger, group } = job.replica;
    const page = store.scrub.scanLog(raw, after, limits.SCRUB_PAGE_ROWS);
    for (const row of page) {
      after = row.seq;
      const reason = faultOfRow(job, row, lane);
      if (reason !== undefined || lane === undefined) {
        group.open();
        store.scrub.removeLogRow(row.applied);
        const where = lane === undefined ? rawText(raw, row) : textOf(lane, row.seq);
        job.report({ table: "log", where, what: reason ?? "no such lane", repair: "peers" });
        continue;
      }
      const seq = Number(row.seq);
      if (seq > previous + 1) lose(job, lane, { lo: previous + 1, hi: seq - 1 });
      previous = Math.max(previous, seq);
      const { entry } = row;
      if (entry === undefined) continue;
      if (row.isVoid && entry.hlc === HLC_ZERO) {
        if (ledger.frontier.find(lane)?.has(seq) === true) lose(job, lane, { lo: seq, hi: seq });
        continue;
      }
      if (entry.hlc > job.highestHlc) job.highestHlc = entry.hlc;
      if (ledger.frontier.find(lane)?.has(seq) !== true) {
        group.open();
        ledger.hold(entry);
        const what = "the log has an entry that the frontier lacks";
        job.report({ table: "frontier", where: textOf(lane, row.seq), what, repair: "done" });
      }
      if (!row.isVoid) note(job, row, entry, logged);
    }
    job.entriesDone += page.length;
    if (page.length < limits.SCRUB_PAGE_ROWS) {
      const max = lane === undefined ? 0 : (ledger.frontier.find(lane)?.max ?? 0);
      if (lane !== undefined && max > previous) lose(job, lane, { lo: previous + 1, hi: max });
      yield page.length + 1;
      return;
    }
    yield page.length;
  }
}

/** Why this row cannot be kept; undefined when it can. */
function faultOfRow(job: ScrubJob, { entry, isVoid }: LogScan, lane: Lane | undefined) {
  const { replica } = job;
  if (entry === undefined) return "the row does not decode or its seal is broken";
  if (lane === undefined || entry.seq < 1) return "no such place";
  if (isVoid) return undefined;
  if (lane.shard >= replica.cluster.shardCount) return "no such shard";
  if (replica.placeOf(entry.docId).shard !== lane.shard) return "a document of another shard";
  if (regionByCode(replica.cluster, originRegion(lane.origin)) === undefined) {
    return "of a region that is not in the config";
  }
  const parsed = parseChangeChunk(entry.change);
  if (parsed.kind === "fault") return `the change: ${parsed.reason}`;
  if (toHex(parsed.hash) !== toHex(entry.hash)) return "the change is not what it is named";
  if (!isActorOf(parsed.actor, entry.origin)) return "made by another actor than its origin";
  return undefined;
}

/** Remembers the element, and mends the index by which it is found. */
function note(job: ScrubJob, row: LogScan, entry: LogEntry, logged: LoggedElements): void {
  const { cluster, store, group } = job.replica;
  const element64 = low64(elementOf(cluster.keys, entry.docId, entry.hash));
  const key = docKeyOf(entry.docId);
  const elements = logged.get(key);
  if (elements === undefined) logged.set(key, new Set([element64]));
  else elements.add(element64);
  if (row.element64 === element64) return;
  group.open();
  store.scrub.writeElement(row.applied, element64);
  const what = "found under another element";
  job.report({ table: "log", where: textOf(entry, row.seq), what, repair: "done" });
}

/** Places that the frontier holds and the log has nothing for. */
function lose(job: ScrubJob, lane: Lane, { lo, hi: end }: SeqRange): void {
  const { ledger, group, store, origin } = job.replica;
  const range = { lo: Math.max(lo, ledger.trimmedThrough(lane) + 1), hi: end };
  const held = ledger.frontier.find(lane);
  if (held === undefined) return;
  const hi = Math.min(range.hi, held.max);
  const marked: number[] = [];
  for (let seq = range.lo; seq <= hi && marked.length < limits.SCRUB_LOST_MARKS_MAX; seq++) {
    if (held.has(seq)) marked.push(seq);
  }
  if (!ledger.lose(lane, { lo: range.lo, hi })) return;
  group.open();
  for (const seq of marked) {
    store.removeLogEntry(lane, seq);
    store.appendVoid({ ...lane, seq }, { docId: NO_DOCUMENT, hlc: HLC_ZERO });
  }
  job.hasGaps = true;
  if (lane.origin === origin) job.mustRenew = true;
  const where = `${textOf(lane, BigInt(range.lo))}-${hi}`;
  job.report({ table: "frontier", where, what: "held, and not in the log", repair: "peers" });
}

function laneOf({ shard, origin }: RawLane): Lane | undefined {
  const parsed = parseOrigin(Number(origin));
  const isShard = shard >= 0n && shard <= BigInt(Number.MAX_SAFE_INTEGER);
  return parsed === undefined || !isShard ? undefined : { shard: Number(shard), origin: parsed };
}

function textOf({ shard, origin }: Lane, seq: bigint): string {
  return `shard ${shard}, origin ${originText(origin)}, seq ${seq}`;
}

function rawText({ shard, origin }: RawLane, { seq }: LogScan): string {
  return `shard ${shard}, origin ${origin}, seq ${seq}`;
}
