/**
 * What changed here, in the order in which it was applied: the log as a feed.
 *
 *     page(since) ──▶ events, the cursor behind them, whether there is more
 *     changed(cursor) ──▶ settles when there is something behind it
 *
 * The log is the only queue: a consumer that is slow or away costs nothing here, it reads on from its
 * cursor. A cursor is the epoch, the number of the last entry seen and a few bytes of that entry's hash, so
 * that one from another copy of the database, or of an entry that has been trimmed, is known to be none of
 * ours. An epoch ends when changes come that no log has any more: who followed the log has missed them.
 * Only what is durable is told, and a profile is told as it is now: of several changes on one page the
 * last is told, and what an older event shows may be newer than the event. Where a change met another and
 * one of them lost, the write that lost is named as well.
 */
import type { Clock, Cluster, ProfileId, Tenant, Timer } from "@atoll/core";
import {
  AtollError,
  docKeyOf,
  hlcToMs,
  isAtollError,
  limits,
  originRegion,
  regionByCode,
  splitProfileId,
  toHex,
} from "@atoll/core";
import type { AppliedRow } from "@atoll/store";
import type { GroupCommit } from "./group-commit.ts";
import { etagOf } from "./heads.ts";
import type { Replica } from "./replica.ts";
import { Patience } from "./patience.ts";
import type { Superseded } from "./superseded.ts";
import { supersededBy } from "./superseded.ts";

/** A profile, as it is now. */
export interface ChangeEvent {
  /** To go on behind this event. */
  readonly cursor: string;
  readonly kind: "change" | "delete";
  readonly id: ProfileId;
  /** Where the change was written, and when by that region's clock. */
  readonly region: string;
  readonly writtenAtMs: number;
  /** Of the profile as it is now. */
  readonly etag: string;
  readonly hasConflicts: boolean;
  /** Canonical JSON, when asked for. */
  readonly json?: string | undefined;
}

/** Comes before the change that brought it about; who goes on behind it is told of that change. */
export interface SupersededEvent extends Superseded {
  readonly cursor: string;
  readonly kind: "superseded";
  readonly id: ProfileId;
}

export type FeedEvent = ChangeEvent | SupersededEvent;

export interface FeedPage {
  readonly events: readonly FeedEvent[];
  /** Behind everything on this page. */
  readonly cursor: string;
  /** There was more when this page was made. */
  readonly more: boolean;
}

export interface FeedQuery {
  /** Whose profiles. */
  readonly tenant: Tenant;
  /** A cursor; undefined for the beginning, `now` for the end. */
  readonly since: string | undefined;
  readonly limit: number;
  readonly withData: boolean;
}

/** Before the first entry. */
const BEGINNING = "0.0.00000000";
const CURSOR = /^(?:0|[1-9a-z][0-9a-z]{0,9})\.(0|[1-9a-z][0-9a-z]{0,9})\.[0-9a-f]{8}$/;
const NO_HASH = new Uint8Array(4);
/** Places at the end of the log that are looked at for an entry: some are void. */
const END_SEARCHED = 64;

export class Feed {
  readonly #replica: Replica;
  readonly #group: GroupCommit;
  readonly #cluster: Cluster;
  readonly #clock: Clock;
  readonly #patience: Patience;
  #durable: number;
  #waking: Timer | undefined;

  constructor(options: {
    readonly replica: Replica;
    readonly group: GroupCommit;
    readonly clock: Clock;
  }) {
    this.#replica = options.replica;
    this.#group = options.group;
    this.#cluster = options.replica.cluster;
    this.#clock = options.clock;
    this.#patience = new Patience(options.clock);
    this.#durable = this.#replica.store.lastApplied();
  }

  get waiting(): number {
    return this.#patience.size;
  }

  /** Throws `malformed-request` and `cursor-expired`; rejects with what fails the group. */
  async page(query: FeedQuery): Promise<FeedPage> {
    const { since } = query;
    if (since === "now") return { events: [], cursor: this.end(), more: false };
    const after = this.#positionOf(since ?? BEGINNING);
    const { page, touched } = this.#group.stage(() => this.#read(after, query));
    // A profile that is being written is shown as it will be, once it is.
    if (touched) await this.#group.durable();
    return page;
  }

  /** The cursor behind everything that is durable. */
  end(): string {
    const from = Math.max(0, this.#durable - END_SEARCHED);
    const rows = this.#replica.store
      .readApplied(from, END_SEARCHED)
      .filter(({ applied }) => applied <= this.#durable);
    const last = rows.at(-1);
    return this.#cursorOf(last ?? { applied: 0, hash: NO_HASH });
  }

  /** True when something lies behind the cursor; false after `waitMs`, or when the region stops. */
  changed(cursor: string, waitMs: number, signal: AbortSignal): Promise<boolean> {
    const after = this.#positionOf(cursor);
    const hasChanged = (): boolean => this.#durable > after;
    if (hasChanged()) return Promise.resolve(true);
    if (this.#patience.size >= limits.FEED_WAITERS_MAX) {
      throw new AtollError("overloaded", "too many consumers wait for changes");
    }
    return this.#patience.until(hasChanged, { waitMs, signal });
  }

  get isClosed(): boolean {
    return this.#patience.isClosed;
  }

  /** Everything up to here has become durable. Consumers are woken a little later, many groups at once. */
  durable(applied: number): void {
    this.#durable = applied;
    if (this.#patience.size === 0 || this.#waking !== undefined) return;
    this.#waking = this.#clock.after(limits.FEED_PACE_MS, () => {
      this.#waking = undefined;
      this.#patience.look();
    });
  }

  /** Lets everybody go: the process is about to stop. */
  close(): void {
    this.#waking?.cancel();
    this.#patience.close();
  }

  #read(after: number, query: FeedQuery) {
    const { since, limit } = query;
    const { store } = this.#replica;
    this.#checkHeld(after, since);
    const rows = store.readApplied(after, limit).filter(({ applied }) => applied <= this.#durable);
    const rowsOf = Map.groupBy(rows, (row) => docKeyOf(row.docId));
    const events: FeedEvent[] = [];
    let chars = 0;
    let opened = 0;
    let end: AppliedRow | undefined;
    let touched = false;
    let cursor = since ?? BEGINNING;
    for (const row of rows) {
      if (chars >= limits.FEED_PAGE_CHARS_MAX || opened >= limits.FEED_OPENED_MAX) break;
      const before = cursor;
      end = row;
      cursor = this.#cursorOf(row);
      const ofDocument = rowsOf.get(docKeyOf(row.docId)) ?? [];
      if (ofDocument.at(-1) !== row) continue;
      const event = this.#eventOf(row, query);
      if (event === undefined) continue;
      touched ||= this.#replica.group.touches(row.docId);
      if (event.hasConflicts && event.kind === "change") {
        opened++;
        events.push(...this.#supersededBy(event.id, ofDocument, before));
      }
      events.push(event);
      chars += event.json?.length ?? 0;
    }
    const page: FeedPage = { events, cursor, more: (end?.applied ?? after) < this.#durable };
    return { page, touched };
  }

  /** `cursor`: of the event before, so that nobody goes on without the change. */
  #supersededBy(id: ProfileId, rows: readonly AppliedRow[], cursor: string): SupersededEvent[] {
    const arrived = new Set(rows.map(({ hash }) => toHex(hash)));
    try {
      const superseded = supersededBy(this.#replica, id, arrived);
      return superseded.map((each) => ({ ...each, cursor, kind: "superseded", id }));
    } catch (error) {
      if (isAtollError(error) && error.code === "document-quarantined") return []; // its view is told
      throw error;
    }
  }

  #eventOf(row: AppliedRow, { tenant, withData }: FeedQuery): ChangeEvent | undefined {
    const document = this.#replica.renderer.clean(this.#replica.placeOf(row.docId));
    if (document?.profileId === undefined) return undefined; // it does not open, and never did
    if (splitProfileId(document.profileId).tenant !== tenant) return undefined;
    const region = originRegion(row.origin);
    return {
      cursor: this.#cursorOf(row),
      kind: document.deleted ? "delete" : "change",
      id: document.profileId,
      region: regionByCode(this.#cluster, region)?.name ?? `region ${region}`,
      writtenAtMs: hlcToMs(row.hlc),
      etag: etagOf(document.heads),
      hasConflicts: document.conflicts > 0,
      ...(withData && !document.deleted && { json: document.view }),
    };
  }

  #positionOf(cursor: string): number {
    const [, position = ""] = CURSOR.exec(cursor) ?? [];
    const after = parseInt(position, 36);
    if (Number.isSafeInteger(after)) return after;
    throw new AtollError("malformed-request", "this is not a cursor of a change feed");
  }

  #checkHeld(after: number, since: string | undefined): void {
    const [row] = this.#replica.store.readApplied(Math.max(0, after - 1), 1);
    if (after === 0) {
      const isWhole = row === undefined || row.applied === 1;
      const start = this.#cursorOf({ applied: 0, hash: NO_HASH });
      if (isWhole && (since ?? BEGINNING) === start) return;
    } else if (row !== undefined && this.#cursorOf(row) === since) return;
    throw new AtollError("cursor-expired", "the log does not reach back to this cursor", {
      cursor: this.end(),
      mend: "take the cursor of this problem, list the profiles, then read the feed from that cursor",
    });
  }

  #cursorOf({
    applied,
    hash,
  }: Pick<AppliedRow, "applied"> & { readonly hash: Uint8Array }): string {
    const epoch = this.#replica.store.readEpoch();
    return `${epoch.toString(36)}.${applied.toString(36)}.${toHex(hash.subarray(0, 4))}`;
  }
}
