/**
 * What a disk may hold after a power cut, at every moment of a region's life: recorded while it writes.
 *
 *     epoch      from one reset of the write-ahead log to the next: atoll.db as it was synced at its start,
 *                and every byte that the log got since
 *     moment     a commit has returned: the log is synced up to `end`, and `held` changes are promised
 *
 * A power cut leaves what was synced, and of the rest anything: that is what `crash-images.ts` makes of it.
 */
import { readFileSync } from "node:fs";
import type { Clock, ProfileId } from "@atoll/core";
import { must, silentLog, systemClock, systemRandom, toHex } from "@atoll/core";
import { RegionDriver } from "@atoll/replica";
import type { Store } from "@atoll/store";
import { openSqliteStore } from "@atoll/store";
import { MemoryNetwork } from "@atoll/sync";
import { PAIR, benchCluster, benchCodec } from "./region-pair.ts";
import { NO_SESSION } from "./visibility-reader.ts";

export const WAL_HEADER_BYTES = 32;
export const FRAME_HEADER_BYTES = 24;
const SALT = { from: 16, to: 24 } as const;
export const CRASH_PROFILES = 40;
const WRITES_AT_ONCE = 4;

export interface Moment {
  /** Bytes of the log that are synced. */
  readonly end: number;
  /** How many changes were promised by then. */
  readonly held: number;
}

export interface Epoch {
  readonly database: Uint8Array;
  readonly wal: Buffer;
  readonly moments: readonly Moment[];
}

export interface History {
  readonly epochs: readonly Epoch[];
  /** Names of all changes, in the order in which they were promised. */
  readonly promised: readonly string[];
}

export const crashCluster = benchCluster(PAIR, 16);

/** Writes so many changes to a new file and remembers every moment of it. The file is closed in order. */
export async function recordHistory(path: string, writes: number): Promise<History> {
  const store = openSqliteStore({ path });
  const driver = crashDriver(store, systemClock);
  const recorder = new Recorder(path, store);
  driver.start();
  for (let n = 0; n < writes; n += WRITES_AT_ONCE) {
    await Promise.all(
      Array.from({ length: WRITES_AT_ONCE }, (_, i) =>
        driver.service.write(profileOf(n + i), edit(n + i), {}, NO_SESSION, { upsert: true }),
      ),
    );
    recorder.moment();
  }
  const history = recorder.finish();
  await driver.close();
  store.close();
  return history;
}

export function profileOf(n: number): ProfileId {
  return `crash-${n % CRASH_PROFILES}` as ProfileId;
}

/** Every change that the log holds, by name. */
export function changesIn(store: Store): Set<string> {
  const names = new Set<string>();
  for (const { shard, origin, max } of store.readFrontier()) {
    const range = { lo: 1, hi: max };
    for (const { hash } of store.readLog({ shard, origin }, range, Number.MAX_SAFE_INTEGER)) {
      names.add(toHex(hash));
    }
  }
  return names;
}

/** A region by itself on such a file. */
export function crashDriver(store: Store, clock: Clock): RegionDriver {
  const network = new MemoryNetwork({
    ...{ clock, random: systemRandom, delayMs: { min: 0, max: 0 } },
  });
  return new RegionDriver({
    ...{ cluster: crashCluster, region: must(crashCluster.regions[0], "a region"), store },
    ...{ transport: network.transport(PAIR[0]), clock, random: systemRandom },
    ...{ log: silentLog, codec: benchCodec, peers: new Map(), version: "bench" },
  });
}

function edit(n: number) {
  const patch = { displayName: `Name ${n}`, headline: `Line ${n} `.repeat(1 + (n % 9)) };
  return { kind: "merge-patch", patch } as const;
}

class Recorder {
  readonly #path: string;
  readonly #store: Store;
  readonly #epochs: { database: Uint8Array; wal: Buffer; moments: Moment[] }[] = [];
  readonly #promised: string[] = [];
  readonly #seen = new Set<string>();

  constructor(path: string, store: Store) {
    this.#path = path;
    this.#store = store;
  }

  /** Everything written so far is promised. */
  moment(): void {
    for (const name of changesIn(this.#store)) {
      if (this.#seen.has(name)) continue;
      this.#seen.add(name);
      this.#promised.push(name);
    }
    const wal = readFileSync(`${this.#path}-wal`);
    const end = endOfRound(wal);
    const last = this.#epochs.at(-1);
    if (last === undefined || !sameRound(last.wal, wal)) {
      // The file was synced before the log was reset, and nothing was written to it since.
      const moments = [{ end, held: this.#promised.length }];
      this.#epochs.push({ database: readFileSync(this.#path), wal: wal.subarray(0, end), moments });
    } else {
      last.wal = wal.subarray(0, end);
      last.moments.push({ end, held: this.#promised.length });
    }
  }

  finish(): History {
    return { epochs: this.#epochs, promised: this.#promised };
  }
}

function sameRound(a: Buffer, b: Buffer): boolean {
  return a.subarray(SALT.from, SALT.to).equals(b.subarray(SALT.from, SALT.to));
}

/** Frames of an earlier round, which lie behind, have another salt. */
function endOfRound(wal: Buffer): number {
  let end = WAL_HEADER_BYTES;
  for (const frame of framesOf(wal)) end = frame.end;
  return end;
}

export interface Frame {
  readonly page: number;
  readonly isCommit: boolean;
  readonly data: Buffer;
  readonly end: number;
}

export function* framesOf(wal: Buffer): Generator<Frame> {
  if (wal.length < WAL_HEADER_BYTES) return;
  const salt = wal.subarray(SALT.from, SALT.to);
  const frameBytes = FRAME_HEADER_BYTES + wal.readUInt32BE(8);
  for (let at = WAL_HEADER_BYTES; at + frameBytes <= wal.length; at += frameBytes) {
    if (!wal.subarray(at + 8, at + 16).equals(salt)) return;
    yield {
      page: wal.readUInt32BE(at),
      isCommit: wal.readUInt32BE(at + 4) !== 0,
      data: wal.subarray(at + FRAME_HEADER_BYTES, at + frameBytes),
      end: at + frameBytes,
    };
  }
}
