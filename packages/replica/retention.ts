/**
 * How long the log is kept: rows go once nobody needs them, and nothing else ever goes.
 *
 *     lane   1 · · · t │ t+1 · · · f │ · · · contig     t trimmed, f the floor
 *                      └─ goes if ───┘
 *
 *     always     held without gaps, and found in the saved bytes of its document, folded and loaded anew
 *     usually    every live region holds it, and covers its region up to it: that is where pairs compare
 *     usually    older than `ageMs`
 *
 * `bytes` waives the age, `bytes` times `RETENTION_HARD_FACTOR` also the live regions, and a region that has
 * been silent for `deadPeerAfterMs` is not live. Who needs a row that has gone finds the change in the
 * document, by comparing: that costs more than the log, and loses nothing.
 *
 * A document is looked into and its rows go in one transaction, so a kill separates nothing. What is looked
 * into are the bytes on the disk, not what is open in memory: the log was the second copy of a change, and
 * must not go on the word of the first.
 *
 * A walk goes over all lanes, a page at a time, for a few milliseconds a turn; its position is not stored.
 */
import type { Clock, DocKey, Hlc, Lane, Log, LogEntry, RegionCode, Timer } from "@atoll/core";
import {
  HLC_ZERO,
  docKeyOf,
  errorText,
  hlcFromMs,
  hlcToMs,
  isAtollError,
  limits,
  originRegion,
  toHex,
  vectorAt,
} from "@atoll/core";
import { DocumentError } from "@atoll/profile";
import type { KnownHoldings } from "@atoll/sync";
import type { Replica } from "./replica.ts";

export interface RetentionOptions {
  readonly ageMs: number;
  readonly bytes: number;
  readonly deadPeerAfterMs: number;
}

export const RETENTION_DEFAULT: RetentionOptions = {
  ageMs: limits.RETENTION_AGE_MS_DEFAULT,
  bytes: limits.RETENTION_BYTES_DEFAULT,
  deadPeerAfterMs: limits.RETENTION_DEAD_PEER_MS_DEFAULT,
};

/** What an operator sees. */
export interface RetentionReport {
  readonly rows: number;
  readonly bytes: number;
  /** When the oldest row was written, RFC 3339; null for an empty log. */
  readonly oldestAt: string | null;
  /** Rows removed since the start. */
  readonly trimmedRows: number;
  /** What stopped the last walk, and in how many lanes. */
  readonly heldBackBy: Readonly<Record<string, number>>;
}

export interface RetentionRooms {
  readonly replica: Replica;
  readonly clock: Clock;
  readonly log: Log;
  readonly options: RetentionOptions;
  /** What a region is known to hold; undefined when it has not spoken since the start. */
  readonly known: (region: RegionCode) => KnownHoldings | undefined;
  /** Runs what may write, as part of a group. */
  readonly stage: (work: () => void) => void;
}

/** Why a row stays. */
type Hold = string;

export class Retention {
  readonly #rooms: RetentionRooms;
  readonly #startedMs: number;
  #steps: Generator<number> | undefined;
  #timer: Timer | undefined;
  #isStopped = false;
  #trimmedRows = 0;
  #heldBackBy: Record<Hold, number> = {};
  #holds = new Map<Hold, number>();

  constructor(rooms: RetentionRooms) {
    this.#rooms = rooms;
    this.#startedMs = rooms.clock.monotonicMs();
  }

  start(): void {
    this.#schedule(limits.RETENTION_PERIOD_MS);
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  report(): RetentionReport {
    const { store, cluster } = this.#rooms.replica;
    const { rows, bytes } = store.logSize();
    const oldest = cluster.regions
      .map(({ code }) => store.oldestHlc(code))
      .filter((hlc) => hlc !== undefined);
    const oldestAt =
      oldest.length === 0 ? null : new Date(Math.min(...oldest.map(hlcToMs))).toISOString();
    return {
      rows,
      bytes,
      oldestAt,
      trimmedRows: this.#trimmedRows,
      heldBackBy: { ...this.#heldBackBy },
    };
  }

  /** One walk over all lanes, at once: for tests and tools. Part of the open group. */
  walk(): void {
    const steps = this.#walk();
    while (steps.next().done !== true);
  }

  #schedule(afterMs: number): void {
    this.#timer?.cancel();
    if (this.#isStopped) return;
    this.#timer = this.#rooms.clock.after(afterMs, () => {
      const isDone = this.#turn();
      this.#schedule(isDone ? limits.RETENTION_PERIOD_MS : limits.RETENTION_PAUSE_MS);
    });
  }

  /** True when a walk has come to its end. */
  #turn(): boolean {
    const { clock, stage, log } = this.#rooms;
    const steps = (this.#steps ??= this.#walk());
    const endsMs = clock.monotonicMs() + limits.RETENTION_TURN_MS_MAX;
    let isDone = false;
    stage(() => {
      try {
        for (let rows = 0; rows < limits.RETENTION_PAGE_ROWS && !isDone;) {
          const step = steps.next();
          isDone = step.done === true;
          rows += step.done === true ? 0 : step.value;
          if (clock.monotonicMs() >= endsMs) break;
        }
      } catch (error) {
        this.#steps = undefined;
        if (!isAtollError(error)) throw error;
        // A row that does not decode, or the disk: told by whoever meets it next, and the walk begins anew.
        log.warn("retention-failed", { reason: errorText(error) });
      }
    });
    if (isDone || this.#steps === undefined) {
      this.#steps = undefined;
      return true;
    }
    return false;
  }

  *#walk(): Generator<number> {
    this.#holds = new Map();
    const { ledger } = this.#rooms.replica;
    for (const [lane] of [...ledger.frontier.lanes()]) {
      for (let isMore = true; isMore;) {
        const { rows, isEnd } = this.#page(lane);
        isMore = !isEnd;
        yield 1 + rows;
      }
    }
    this.#heldBackBy = Object.fromEntries(this.#holds);
  }

  /** Trims one lane by a page at most. */
  #page(lane: Lane): { readonly rows: number; readonly isEnd: boolean } {
    const { ledger, store, group } = this.#rooms.replica;
    const contig = ledger.frontier.contig(lane);
    const raw = { shard: BigInt(lane.shard), origin: BigInt(lane.origin) };
    const floor = this.#floorOf(lane);
    const [oldest] = store.scrub.scanLog(raw, 0n, 1);
    const stays = oldest?.entry && floor(oldest.entry);
    if (oldest === undefined || stays !== undefined) {
      if (stays !== undefined) this.#note(stays);
      return { rows: 0, isEnd: true };
    }
    const page = store.scrub.scanLog(raw, 0n, limits.RETENTION_PAGE_ROWS);
    const lastApplied = store.lastApplied();
    const documents = new Map<DocKey, ReadonlySet<string> | undefined>();
    let through = 0;
    let newest: Hlc = HLC_ZERO;
    let hold: Hold | undefined;
    let looked = 0;
    for (const row of page) {
      const seq = Number(row.seq);
      const isDense = seq <= Math.max(through, ledger.trimmedThrough(lane)) + 1;
      hold =
        row.entry === undefined || !isDense || seq > contig
          ? "a place that is not held"
          : Number(row.applied) === lastApplied
            ? "the newest row"
            : floor(row.entry);
      if (hold !== undefined || row.entry === undefined) break;
      if (!row.isVoid) {
        const key = docKeyOf(row.entry.docId);
        if (!documents.has(key)) {
          if (documents.size >= limits.RETENTION_PAGE_DOCUMENTS) break;
          documents.set(key, this.#folded(row.entry));
        }
        if (documents.get(key)?.has(toHex(row.entry.hash)) !== true) hold = "a document";
      }
      if (hold !== undefined) break;
      through = seq;
      if (row.entry.hlc > newest) newest = row.entry.hlc;
      looked++;
    }
    if (through > 0) {
      group.open();
      this.#trimmedRows += ledger.trim(lane, through, newest).rows;
    }
    if (hold !== undefined) this.#note(hold);
    const isFull = page.length >= limits.RETENTION_PAGE_ROWS || looked < page.length;
    return { rows: looked, isEnd: hold !== undefined || !isFull || looked === 0 };
  }

  #note(hold: Hold): void {
    this.#holds.set(hold, (this.#holds.get(hold) ?? 0) + 1);
  }

  /** What keeps a row of this lane, from what regions have said and from its age. */
  #floorOf(lane: Lane): (entry: Pick<LogEntry, "seq" | "hlc">) => Hold | undefined {
    const { replica, clock, options, known } = this.#rooms;
    const { cluster, region, ledger, store } = replica;
    const writer = originRegion(lane.origin);
    const { bytes } = store.logSize();
    const isOver = bytes > options.bytes;
    const isFarOver = bytes > options.bytes * limits.RETENTION_HARD_FACTOR;
    const youngest = hlcFromMs(clock.nowMs() - options.ageMs);
    const covered = writer === region.code ? Infinity : vectorAt(ledger.covered, writer);
    const nowMs = clock.monotonicMs();
    const live = cluster.regions
      .filter(({ code }) => code !== region.code)
      .map(({ code, name }) => ({ name, holdings: known(code) }))
      .filter(({ holdings }) => {
        const silentMs = nowMs - (holdings?.heardMs ?? this.#startedMs);
        return !isFarOver && silentMs < options.deadPeerAfterMs;
      });
    return ({ seq, hlc }) => {
      if (hlc > covered) return "coverage";
      if (hlc > youngest && !isOver) return "age";
      const behind = live.find(
        ({ holdings }) =>
          holdings === undefined ||
          holdings.contig(lane) < seq ||
          vectorAt(holdings.vector, writer) < hlc,
      );
      return behind && `region ${behind.name}`;
    };
  }

  /**
   * Names of the changes that the saved bytes of an entry's document hold, once they are folded. Undefined
   * when the document is in no state to be believed: then its rows stay.
   */
  #folded(entry: LogEntry): ReadonlySet<string> | undefined {
    const { replica } = this.#rooms;
    const { store, restorer, group } = replica;
    const place = replica.placeOf(entry.docId);
    const row = store.readDocument(place);
    const body = store.readBody(place);
    if (row === undefined || body === undefined || row.quarantined) return undefined;
    try {
      const profile = restorer.load(body);
      try {
        const names = new Set(profile.changeHashes().map(toHex));
        if (names.size !== row.changeCount) return undefined; // for the scrub to find out
        if (body.tailChanges > 0 || body.base === undefined) {
          const base = profile.save();
          group.open();
          store.writeBody(place, { base, tail: new Uint8Array(), tailChanges: 0 });
        }
        return names;
      } finally {
        profile.free();
      }
    } catch (error) {
      if (error instanceof DocumentError) return undefined;
      throw error;
    }
  }
}
