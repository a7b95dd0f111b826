/**
 * What disks and answers have promised, compared with what they keep, as it happens.
 *
 *   - an answer names a change: it is on this disk already (I1, G2), and in every region of its receipt
 *   - a number of an origin is given once: (shard, origin, seq) names one change for ever (I4)
 *   - an origin's timestamps rise, across restarts too: coverage and tokens rest on it
 *   - after a crash a disk has every entry that it had committed, no more and no less
 *
 * A disk that lied, went back or rotted cannot be held to its promise: what it lost is recorded as a loss. It must
 * come back all the same if any other disk has it; if none has, it is gone, and nobody is blamed.
 */
import type { Hlc, LogEntry, RegionCode } from "@atoll/core";
import { originRegion, originText, toHex } from "@atoll/core";
import type { WriteAnswer } from "@atoll/replica";
import type { Violation } from "./checkers/violation.ts";
import { changesOf, scanLog } from "./observe.ts";
import type { SimRegion } from "./region.ts";

/** A disk lost what it had confirmed. */
export interface Loss {
  readonly region: number;
  /** Answers given there from then to then may be contradicted. */
  readonly fromMs: number;
  readonly toMs: number;
}

interface Known {
  readonly hash: string;
}

export class PromisesKept {
  readonly losses: Loss[] = [];
  /** Changes that no disk has any more. */
  readonly gone = new Set<string>();
  readonly #fail: (violation: Omit<Violation, "atMs">) => void;
  readonly #hashByPlace = new Map<string, Known>();
  readonly #committedMs = new Map<string, number>();
  readonly #lastHlc = new Map<RegionCode, { hlc: Hlc; origin: number }>();
  readonly #mayLose = new Set<SimRegion>();
  readonly #regions = new Set<SimRegion>();
  readonly #nowMs: () => number;

  constructor(fail: (violation: Omit<Violation, "atMs">) => void, nowMs: () => number) {
    this.#fail = fail;
    this.#nowMs = nowMs;
  }

  /** A transaction is on this disk for good. */
  durable(region: SimRegion, entries: readonly LogEntry[]): void {
    this.#regions.add(region);
    for (const entry of entries) {
      const { shard, origin, seq } = entry;
      const hash = toHex(entry.hash);
      if (!this.#committedMs.has(hash)) this.#committedMs.set(hash, this.#nowMs());
      const place = `${shard} ${origin} ${seq}`;
      const known = this.#hashByPlace.get(place);
      if (known === undefined) this.#hashByPlace.set(place, { hash });
      else if (known.hash !== hash) {
        const message = `${originText(origin)}, shard ${shard}: ${seq} was given twice`;
        this.#fail({ checker: "numbers", message });
      }
      if (originRegion(origin) === region.place + 1 && origin === region.driverOrigin) {
        this.#ownEntry(region, entry);
      }
    }
  }

  #ownEntry(region: SimRegion, { hlc, origin, hash }: LogEntry): void {
    const code = originRegion(origin);
    const last = this.#lastHlc.get(code);
    // A repaired entry of our own may come again; only the first time counts.
    const isFirst = this.#committedMs.get(toHex(hash)) === this.#nowMs();
    if (isFirst && last !== undefined && hlc <= last.hlc && !this.#mayLose.has(region)) {
      const message = `${region.name}: a timestamp of ${originText(origin)} does not rise`;
      this.#fail({ checker: "timestamps", message });
    }
    if (last === undefined || hlc > last.hlc) this.#lastHlc.set(code, { hlc, origin });
  }

  /** A region has answered a write. */
  acknowledged(region: SimRegion, answer: WriteAnswer, regions: readonly SimRegion[]): void {
    if (answer.kind !== "written") return;
    for (const head of answer.profile.heads) {
      if (!holds(region, head) && !this.#isDamaged(region)) {
        const message = `${region.name} answered before ${head.slice(0, 12)} was on its disk`;
        this.#fail({ checker: "durable-before-answer", message });
      }
      for (const name of answer.receipt?.durableIn ?? []) {
        const holder = regions.find((other) => other.name === name);
        if (holder === undefined || this.#mayLose.has(holder) || holds(holder, head)) continue;
        const message = `${region.name} says ${name} has ${head.slice(0, 12)}, which it has not`;
        this.#fail({ checker: "receipts", message });
      }
    }
  }

  /** A process has started on its disk: is everything there that was committed? */
  started(region: SimRegion, nowMs: number): void {
    this.#regions.add(region);
    const { missing, found } = this.#compare(region);
    if (!this.#mayLose.has(region)) {
      if (missing.length > 0) {
        const message = `${region.name} lost ${missing.length} committed entries in a crash`;
        this.#fail({ checker: "crash-keeps-commits", message });
      }
    } else if (missing.length > 0) {
      const times = missing.map((hash) => this.#committedMs.get(hash) ?? 0);
      this.losses.push({ region: region.place, fromMs: Math.min(...times), toMs: nowMs });
    }
    region.held = found;
    if (this.#mayLose.has(region)) this.#count(missing);
  }

  /** The log tells nearly always; documents are opened for what it does not have, or may not have. */
  #compare(region: SimRegion): { readonly missing: string[]; readonly found: Set<string> } {
    const { store, ledger } = region.driver.replica;
    const missingIn = (found: Set<string>) => [...region.held].filter((hash) => !found.has(hash));
    const logged = new Set(scanLog(store).map(({ hash }) => toHex(hash)));
    const missing = missingIn(logged);
    if (missing.length === 0 && ledger.horizon.size === 0) return { missing, found: logged };
    const found = new Set(changesIn(region));
    return { missing: missingIn(found), found };
  }

  /** What its disk had confirmed may be missing from now on. */
  lossy(region: SimRegion): void {
    this.#mayLose.add(region);
  }

  /** A bit of it was flipped: any entry that is nowhere else may be gone. */
  damaged(region: SimRegion, regions: readonly SimRegion[]): void {
    this.#mayLose.add(region);
    this.losses.push({ region: region.place, fromMs: 0, toMs: Infinity });
    const others = regions.filter((other) => other !== region);
    for (const hash of region.held) {
      if (!others.some(({ held }) => held.has(hash))) this.gone.add(hash);
    }
  }

  #count(missing: readonly string[]): void {
    for (const hash of missing) {
      const isSomewhere = [...this.#regions].some(({ held }) => held.has(hash));
      if (!isSomewhere) this.gone.add(hash);
    }
  }

  #isDamaged(region: SimRegion): boolean {
    return this.losses.some((loss) => loss.region === region.place && loss.toMs === Infinity);
  }
}

/** On the disk: committed into the log, or in a document alone, where no transaction can be under way. */
function holds(region: SimRegion, head: string): boolean {
  if (region.held.has(head)) return true;
  if (!region.isUp || scanLog(region.store).some(({ hash }) => toHex(hash) === head)) return false;
  return changesIn(region).includes(head);
}

function changesIn(region: SimRegion): string[] {
  const { store, codec } = region.driver.replica;
  return [...changesOf(store, codec).values()].map(({ hash }) => toHex(hash));
}
