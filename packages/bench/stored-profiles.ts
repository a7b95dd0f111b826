/**
 * Profiles in a replica with a file of its own, and what they take there.
 *
 * Clock and chance are made up, so that every run writes the same bytes. Background work is done as a region does
 * it: some between writes, and all that is due before anything is weighed.
 */
import { join } from "node:path";
import type { ProfileId } from "@atoll/core";
import { ManualClock, SeededRandom, VECTOR_ZERO, limits, must, silentLog } from "@atoll/core";
import { Replica } from "@atoll/replica";
import type { SqliteStore } from "@atoll/store";
import { openSqliteStore } from "@atoll/store";
import type { TableSize } from "@atoll/store/sizes";
import { fileSizes } from "@atoll/store/sizes";
import type { RecordedEdit } from "./edit-history.ts";
import { writtenUnlessRefused } from "./missed-writes.ts";
import { benchCluster, benchCodec } from "./region-pair.ts";

const GROUP_WRITES = 64;

/** Bytes of all profiles together: whole pages, indexes included. */
export interface Weight {
  readonly profiles: number;
  readonly changes: number;
  readonly jsonBytes: number;
  /** Rows of documents, with what finds them … */
  readonly rowBytes: number;
  /** … their views, and the changes since they were saved … */
  readonly bodyBytes: number;
  /** … and as they were saved last. */
  readonly baseBytes: number;
  /** The same changes again, for peers that catch up: what retention trims. */
  readonly logBytes: number;
  /** Sums, frontiers and the like: bounded, however many profiles there are. */
  readonly restBytes: number;
  readonly freeBytes: number;
}

export class StoredProfiles {
  readonly #path: string;
  readonly #pauseMs: number;
  readonly #clock = new ManualClock();
  readonly #store: SqliteStore;
  readonly #replica: Replica;
  readonly #ids = new Set<ProfileId>();
  #written = 0;

  /** `pauseMs`: from one write to the next, of whatever profile. */
  constructor(directory: string, name: string, pauseMs: number) {
    this.#pauseMs = pauseMs;
    this.#path = join(directory, `${name}.sqlite`);
    this.#store = openSqliteStore({ path: this.#path });
    const cluster = benchCluster(["us-east-1"]);
    this.#replica = new Replica({
      ...{ cluster, region: must(cluster.regions[0], "a region"), store: this.#store },
      ...{ clock: this.#clock, random: new SeededRandom(name), log: silentLog, codec: benchCodec },
    });
  }

  write({ id, edit }: Pick<RecordedEdit, "id" | "edit">): void {
    this.#ids.add(id);
    this.#clock.advance(this.#pauseMs);
    writtenUnlessRefused(this.#replica, id, edit, VECTOR_ZERO);
    if (++this.#written % GROUP_WRITES !== 0) return;
    this.#replica.upkeep();
    this.#replica.flush();
  }

  /** Right after the last edit, as while people are writing: changes wait longest to be folded. */
  weighBusy(): Weight {
    return this.#weigh();
  }

  /** When nobody has written for a while. What is open stays open. */
  weighResting(): Weight {
    this.#clock.advance(limits.TAIL_REST_MS);
    return this.#weigh();
  }

  close(): void {
    this.#replica.close();
    this.#store.close();
  }

  #weigh(): Weight {
    do {
      this.#replica.upkeep();
      this.#replica.flush();
    } while (this.#replica.isUpkeepDue);
    const texts = [...this.#ids]
      .map((id) => this.#replica.read(id).snapshot?.json)
      .filter((json) => json !== undefined);
    const { tables, freeBytes } = fileSizes(this.#path);
    const sizeByTable = new Map(tables.map((size) => [size.table, bytesOf(size)]));
    const taken = (table: string): number => {
      const bytes = must(sizeByTable.get(table), table);
      sizeByTable.delete(table);
      return bytes;
    };
    return {
      profiles: texts.length,
      changes: this.#replica.ledger.changes,
      jsonBytes: texts.reduce((sum, json) => sum + Buffer.byteLength(json), 0),
      rowBytes: taken("document"),
      bodyBytes: taken("body"),
      baseBytes: taken("base"),
      logBytes: taken("log"),
      restBytes: [...sizeByTable.values()].reduce((sum, bytes) => sum + bytes, 0),
      freeBytes,
    };
  }
}

export function documentBytes({ rowBytes, bodyBytes, baseBytes }: Weight): number {
  return rowBytes + bodyBytes + baseBytes;
}

function bytesOf({ rowBytes, indexBytes }: TableSize): number {
  return rowBytes + indexBytes;
}
