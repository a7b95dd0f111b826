/**
 * One slice of the log: the next entries of an answer, no more than fit one batch.
 *
 *     asked      (shard 1: lane a, lane b) (shard 2: lane c) (shard 1: older parts of a and b) …
 *     slice      ├─ merged by time ──────┤ ├─ … ─┤
 *                                 position ──────▲   the next slice goes on here
 *
 * Neighbouring ranges of one shard are merged by timestamp, so that parents come before children: a
 * document lies in one shard, and timestamps respect causality. Numbers decide within a lane, so a lane
 * with impossible timestamps still comes in order. What is asked for and not in the log is a hole.
 * A position is a value: a slice that could not be sent is read again later, and nothing is lost.
 */
import type { Lane, LogEntry, Origin, SeqRange } from "@atoll/core";
import { entryBytes, limits, must } from "@atoll/core";
import type { LaneRange, NeedRange } from "./messages.ts";
import type { SyncView } from "./sync-view.ts";

/** What a slice needs to know of its replica. */
export type LogView = Pick<SyncView, "origin" | "frontier" | "readLog">;

export interface LogPosition {
  /** The first range that is untouched. */
  readonly next: number;
  /** Ranges of one shard that are being read, each from where it stands. */
  readonly current: readonly NeedRange[];
}

export interface LogSlice extends LogPosition {
  readonly entries: readonly LogEntry[];
  readonly holes: readonly LaneRange[];
  /** Open ranges of our own that ended here: all there is by now was sent. */
  readonly ended: readonly { readonly lane: Lane; readonly upTo: number }[];
}

export const LOG_START: LogPosition = { next: 0, current: [] };

/** Ranges merged at a time: more than the origins that usually write into one shard. */
const RANGES_MERGED_MAX = 16;

interface Stream {
  readonly lane: { readonly shard: number; readonly origin: Origin };
  readonly hi: number;
  readonly open: boolean;
  readonly entries: readonly LogEntry[];
  /** All that the log has of the range was read. */
  readonly isComplete: boolean;
  lo: number;
  at: number;
}

interface Draft {
  readonly entries: LogEntry[];
  readonly holes: LaneRange[];
  readonly ended: { lane: Lane; upTo: number }[];
  bytes: number;
}

export function readSlice(
  view: LogView,
  ranges: readonly NeedRange[],
  position: LogPosition,
): LogSlice {
  const draft: Draft = { entries: [], holes: [], ended: [], bytes: 0 };
  let { next, current } = position;
  for (let reads = 0; reads < limits.ANSWER_READS_MAX; reads += current.length) {
    if (current.length === 0) {
      current = groupAt(ranges, next);
      next += current.length;
    }
    if (current.length === 0 || isFull(draft)) break;
    const streams = current.map((range) => openStream(view, range, draft, current.length));
    merge(streams, draft);
    const rest = streams.filter((stream) => !end(stream, draft));
    current = rest.map(({ lane, lo, hi, open }) => ({ ...lane, lo, hi, open }));
    if (current.length > 0) break;
  }
  return { ...draft, next, current };
}

export function isAtEnd(ranges: readonly NeedRange[], { next, current }: LogPosition): boolean {
  return current.length === 0 && next >= ranges.length;
}

/** Neighbours of one shard, as long as no lane goes back: what is older was asked for later. */
function groupAt(ranges: readonly NeedRange[], from: number): NeedRange[] {
  const shard = ranges[from]?.shard;
  const group: NeedRange[] = [];
  for (let i = from; i < ranges.length && group.length < RANGES_MERGED_MAX; i++) {
    const range = must(ranges[i], "range");
    const goesBack = group.some(({ origin, hi }) => origin === range.origin && hi >= range.lo);
    if (range.shard !== shard || goesBack) break;
    group.push(range);
  }
  return group;
}

function openStream(view: LogView, range: NeedRange, draft: Draft, streams: number): Stream {
  const { shard, origin, lo } = range;
  const lane = { shard, origin };
  const open = range.open === true && origin === view.origin;
  const hi = open ? Math.max(range.hi, view.frontier.contig(lane)) : range.hi;
  const bytesMax = Math.floor((limits.BATCH_BYTES_MAX - draft.bytes) / streams);
  const entries = view.readLog(lane, { lo, hi }, bytesMax);
  const bytes = entries.reduce((total, entry) => total + entryBytes(entry), 0);
  return { lane, hi, open, entries, isComplete: bytes <= bytesMax, lo, at: 0 };
}

/** Takes the oldest head, until the batch is full or a lane's next entry is not known. */
function merge(streams: readonly Stream[], draft: Draft): void {
  for (;;) {
    let oldest: Stream | undefined;
    for (const stream of streams) {
      const head = stream.entries[stream.at];
      if (head === undefined && !stream.isComplete) return;
      const best = oldest?.entries[oldest.at];
      if (head !== undefined && (best === undefined || head.hlc < best.hlc)) oldest = stream;
    }
    const entry = oldest?.entries[oldest.at];
    if (oldest === undefined || entry === undefined) return;
    const bytes = draft.bytes + entryBytes(entry);
    if (draft.entries.length > 0 && (bytes > limits.BATCH_BYTES_MAX || isFull(draft))) return;
    draft.entries.push(entry);
    draft.bytes = bytes;
    noteHole(draft, oldest.lane, { lo: oldest.lo, hi: entry.seq - 1 });
    oldest.lo = entry.seq + 1;
    oldest.at++;
  }
}

/** True when nothing of the stream is left. */
function end(stream: Stream, draft: Draft): boolean {
  const { lane, lo, hi, open, entries, isComplete, at } = stream;
  if (!isComplete || at < entries.length) return false;
  noteHole(draft, lane, { lo, hi });
  if (open) draft.ended.push({ lane, upTo: hi });
  return true;
}

function noteHole(draft: Draft, lane: Lane, { lo, hi }: SeqRange): void {
  if (lo <= hi) draft.holes.push({ ...lane, lo, hi });
}

function isFull({ entries, bytes }: Draft): boolean {
  return entries.length >= limits.BATCH_ENTRIES_MAX || bytes >= limits.BATCH_BYTES_MAX;
}
