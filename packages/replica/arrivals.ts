/**
 * Entries from other regions: each is judged and dealt with alone, so that a bad or an early one delays
 * no other.
 *
 *     held         receiving twice equals receiving once
 *     applied      and with it whatever waited for it
 *     waiting      set aside until its parent comes
 *     quarantined  set aside with the reason, its place in the log asked for again later
 */
import type { ChangeHash, Clock, DocKey, Hlc, Log, LogEntry, Origin } from "@atoll/core";
import {
  docKeyOf,
  isPlaceless,
  limits,
  originRegion,
  sometimes,
  toHex,
  vectorAt,
} from "@atoll/core";
import { DocumentError } from "@atoll/profile";
import type { DocumentPlace, Store } from "@atoll/store";
import type { Commit } from "./commit.ts";
import type { DocumentCache } from "./document-cache.ts";
import type { Group } from "./group.ts";
import type { Intake, SoundEntry } from "./intake.ts";
import type { Ledger } from "./ledger.ts";
import type { WaitingRoom } from "./waiting-room.ts";
import type { Quarantine } from "./quarantine.ts";
import type { Restorer } from "./restorer.ts";

/** What became of entries. */
export interface IngestCounts {
  applied: number;
  held: number;
  waiting: number;
  quarantined: number;
}

export interface Sender {
  readonly region: string;
  /** The entries answer a comparison: what counts is the document, not the place in the log. */
  readonly repair: boolean;
}

const OUTCOMES = ["applied", "held", "waiting", "quarantined"] as const;

function noCounts(): IngestCounts {
  return { applied: 0, held: 0, waiting: 0, quarantined: 0 };
}

export class Arrivals {
  readonly #origin: () => Origin;
  readonly #store: Store;
  readonly #ledger: Ledger;
  readonly #documents: DocumentCache;
  readonly #group: Group;
  readonly #intake: Intake;
  readonly #commit: Commit;
  readonly #quarantine: Quarantine;
  readonly #restorer: Restorer;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #observe: (hlc: Hlc) => void;
  readonly #total = noCounts();
  readonly #waiting: WaitingRoom;
  /** Placeless changes that came before their parents. */
  readonly #early = new Map<DocKey, LogEntry[]>();
  #earlyCount = 0;

  constructor(rooms: {
    /** Who we are, now. */
    readonly origin: () => Origin;
    readonly store: Store;
    readonly ledger: Ledger;
    readonly documents: DocumentCache;
    readonly group: Group;
    readonly intake: Intake;
    readonly commit: Commit;
    readonly quarantine: Quarantine;
    readonly restorer: Restorer;
    readonly waitingRoom: WaitingRoom;
    readonly clock: Clock;
    readonly log: Log;
    /** Told every timestamp that is applied. */
    readonly observe: (hlc: Hlc) => void;
  }) {
    this.#origin = rooms.origin;
    this.#store = rooms.store;
    this.#ledger = rooms.ledger;
    this.#documents = rooms.documents;
    this.#group = rooms.group;
    this.#intake = rooms.intake;
    this.#commit = rooms.commit;
    this.#quarantine = rooms.quarantine;
    this.#restorer = rooms.restorer;
    this.#clock = rooms.clock;
    this.#log = rooms.log;
    this.#observe = rooms.observe;
    this.#waiting = rooms.waitingRoom;
  }

  /** What became of all entries since the start. */
  get total(): Readonly<IngestCounts> {
    return this.#total;
  }

  /** Stages what is sound. */
  ingest(entries: readonly LogEntry[], from: Sender): IngestCounts {
    const counts = noCounts();
    for (const entry of entries) {
      if (isPlaceless(entry)) {
        this.#admitPlaceless(entry, from, counts);
        continue;
      }
      const isHeld = this.#isHeld(entry) && (!from.repair || this.#isInDocument(entry));
      if (isHeld) sometimes("entry received twice");
      if (isHeld || this.#isForeign(entry)) counts.held++;
      else this.#admit(entry, from, counts);
    }
    for (const outcome of OUTCOMES) this.#total[outcome] += counts[outcome];
    return counts;
  }

  #isHeld(entry: LogEntry): boolean {
    return this.#ledger.frontier.find(entry)?.has(entry.seq) === true;
  }

  /** Under our own name and a number we never gave: nobody else writes as us, repair or not. */
  #isForeign(entry: LogEntry): boolean {
    if (entry.origin !== this.#origin()) return false;
    const isUnknown = entry.seq > this.#ledger.frontier.contig(entry);
    if (isUnknown) this.#log.error("own-entry-unknown", { shard: entry.shard, seq: entry.seq });
    return isUnknown;
  }

  #isInDocument(entry: LogEntry): boolean {
    const place = this.#intake.placeOf(entry.docId);
    if (this.#store.readDocument(place) === undefined) return false;
    return this.#documents.holds(place, entry.hash);
  }

  /**
   * A change that no log has any more: a repair, or nothing. It has no place where it could wait or be
   * set aside, so one that comes before its parents is kept in memory, and found again by the next
   * comparison when that is lost.
   */
  #admitPlaceless(entry: LogEntry, from: Sender, counts: IngestCounts): void {
    if (from.repair && this.#isInDocument(entry)) {
      counts.held++;
      return;
    }
    const judgement = this.#intake.judge(entry);
    if (!from.repair || entry.times === undefined || judgement.kind === "bad") {
      counts.quarantined++;
      const reason = judgement.kind === "bad" ? judgement.reason : "no answer to a comparison";
      const name = { docId: toHex(entry.docId), hash: toHex(entry.hash) };
      this.#log.warn("placeless-change-refused", { fromRegion: from.region, ...name, reason });
    } else if (judgement.kind === "waiting") {
      counts.waiting++;
      this.#keepEarly(entry);
    } else {
      this.#group.open();
      counts.applied += this.#apply(judgement.sound, true);
    }
  }

  #keepEarly(entry: LogEntry): void {
    if (this.#earlyCount >= limits.PLACELESS_EARLY_MAX) {
      this.#early.clear();
      this.#earlyCount = 0;
    }
    const key = docKeyOf(entry.docId);
    const early = this.#early.get(key);
    if (early?.some(({ hash }) => toHex(hash) === toHex(entry.hash)) === true) return;
    this.#earlyCount++;
    if (early === undefined) this.#early.set(key, [entry]);
    else early.push(entry);
  }

  #admit(entry: LogEntry, from: Sender, counts: IngestCounts): void {
    const judgement = this.#intake.judge(entry);
    this.#group.open();
    if (judgement.kind === "bad") {
      counts.quarantined++;
      this.#setAside(entry, from.region, judgement.reason);
    } else if (judgement.kind === "waiting") {
      counts.waiting++;
      this.#waiting.add(entry, judgement.missing);
    } else if (this.#quarantine.has(entry) && this.refusal(judgement.sound) !== undefined) {
      counts.quarantined++; // its document refuses it as before
      this.#ledger.setAside(entry, this.#clock.monotonicMs() + limits.QUARANTINE_RETRY_MS);
    } else {
      counts.applied += this.#apply(judgement.sound, from.repair);
    }
  }

  /** Why the document does not take this entry, tried on a copy of it; undefined when it does. */
  refusal({ entry, place }: Pick<SoundEntry, "entry" | "place">): string | undefined {
    const body = this.#store.readBody(place);
    try {
      const profile = this.#restorer.load(body);
      try {
        profile.append([...entry.containers, entry.change]);
        profile.render();
        const isThere = profile.changeHashes().some((hash) => toHex(hash) === toHex(entry.hash));
        return isThere ? undefined : "the document does not take the change";
      } finally {
        profile.free();
      }
    } catch (error) {
      if (error instanceof DocumentError) return error.message;
      throw error;
    }
  }

  /** Takes in a sound entry and whatever waited for it; returns how many were applied. */
  take(sound: SoundEntry): number {
    const applied = this.#apply(sound, true);
    this.#total.applied += applied;
    return applied;
  }

  #apply(sound: SoundEntry, mayBeHere: boolean): number {
    this.#settle(sound, mayBeHere);
    return 1 + this.#release(sound);
  }

  /**
   * A change may be in its document before its entry comes: its own row was lost from the log and left a
   * mark, or it came under another number, or without one, which only changes at or below the horizon do.
   * It gets its place and is not counted again.
   */
  #settle(sound: SoundEntry, mayBeHere = false): void {
    const { entry } = sound;
    const isTaken = !isPlaceless(entry) && this.#store.hasLogEntry(entry, entry.seq);
    const isSuspect =
      isTaken ||
      mayBeHere ||
      entry.hlc <= vectorAt(this.#ledger.horizon, originRegion(entry.origin)) ||
      (!sound.isNew && this.#intake.isLogged(entry.docId, entry.hash));
    this.#observe(entry.hlc);
    if (this.#quarantine.release(entry)) sometimes("quarantined place asked for again");
    if (isSuspect && this.#isInDocument(entry)) {
      sometimes("change already in its document");
      if (!isPlaceless(entry)) this.#commit.relog(sound);
    } else this.#commit.apply(sound, undefined, isTaken);
  }

  /** Applies what waited for the change that has just arrived in this document. */
  #release({ entry: { hash }, place }: SoundEntry): number {
    return this.#releaseWaiting(hash, place) + this.#releaseEarly(place);
  }

  /** Placeless changes of the document whose parents are here now. */
  #releaseEarly(place: DocumentPlace): number {
    const key = docKeyOf(place.docId);
    const early = this.#early.get(key);
    if (early === undefined) return 0;
    this.#early.delete(key);
    this.#earlyCount -= early.length;
    let released = 0;
    for (const entry of early) {
      const judgement = this.#isInDocument(entry) ? undefined : this.#intake.judge(entry);
      if (judgement?.kind === "waiting") this.#keepEarly(entry);
      else if (judgement?.kind === "sound") released += this.#apply(judgement.sound, true);
    }
    return released;
  }

  #releaseWaiting(hash: ChangeHash, place: DocumentPlace): number {
    if (!this.#waiting.awaits(hash)) return 0;
    let released = 0;
    for (let progress = true; progress;) {
      progress = false;
      for (const pending of this.#waiting.of(place.docId)) {
        const { entry } = pending;
        const judgement = this.#isHeld(entry) ? undefined : this.#intake.judge(entry);
        if (judgement?.kind === "waiting") {
          const isSame = toHex(judgement.missing) === toHex(pending.missing);
          if (!isSame) this.#waiting.add(entry, judgement.missing);
          continue;
        }
        this.#waiting.remove(pending);
        if (judgement?.kind !== "sound") continue;
        sometimes("waiting entry released");
        this.#settle(judgement.sound);
        released++;
        progress = true;
      }
    }
    return released;
  }

  #setAside(entry: LogEntry, fromRegion: string, reason: string): void {
    this.#ledger.setAside(entry, this.#clock.monotonicMs() + limits.QUARANTINE_RETRY_MS);
    this.#quarantine.addEntry(entry, fromRegion, reason);
  }
}
