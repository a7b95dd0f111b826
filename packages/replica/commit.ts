/**
 * The one door into the store. Local writes, changes from peers and repairs all end here, because what
 * must agree afterwards is written once:
 *
 *     log entry · document row and view · raw changes · sums · frontier
 *
 * all in the group's transaction. Automerge is not needed: heads follow from the change's parents, sums
 * from its name, and the bytes are appended as they came. A change that comes without a place, because no
 * log has it any more, goes into document and sums alone, and raises the horizon.
 */
import type { LogEntry, ProfileId } from "@atoll/core";
import {
  SUM_ZERO,
  VECTOR_ZERO,
  addSums,
  isPlaceless,
  joinVectors,
  low64,
  originRegion,
  raiseVector,
} from "@atoll/core";
import type { DocumentRow, Store } from "@atoll/store";
import type { DocumentCache } from "./document-cache.ts";
import type { Group } from "./group.ts";
import { advanceHeads } from "./heads.ts";
import type { SoundEntry } from "./intake.ts";
import type { Ledger } from "./ledger.ts";
import type { Snapshots } from "./snapshots.ts";

/** The view after a change, known to the one who made it. */
export interface RenderedView {
  /** As the document has them. What a damaged row says they were is not handed on. */
  readonly heads: Uint8Array;
  readonly profileId: ProfileId;
  readonly json: string;
  readonly deleted: boolean;
  readonly conflicts: number;
}

export class Commit {
  readonly #store: Store;
  readonly #ledger: Ledger;
  readonly #documents: DocumentCache;
  readonly #snapshots: Snapshots;
  readonly #group: Group;

  constructor(rooms: {
    readonly store: Store;
    readonly ledger: Ledger;
    readonly documents: DocumentCache;
    readonly snapshots: Snapshots;
    readonly group: Group;
  }) {
    this.#store = rooms.store;
    this.#ledger = rooms.ledger;
    this.#documents = rooms.documents;
    this.#snapshots = rooms.snapshots;
    this.#group = rooms.group;
  }

  /**
   * Stages a sound entry whose parents are all here. Without a view the document becomes dirty. With
   * one, the open document has the change already. `isTaken`: something lies at its place in the log,
   * be it the entry's own row that survived, or the mark of one that was lost or dropped.
   */
  apply(
    { entry, place, deps, element }: SoundEntry,
    view?: RenderedView,
    isTaken = false,
  ): DocumentRow {
    this.#group.open();
    const before = this.#store.readDocument(place);
    const sumBefore = before?.sum ?? SUM_ZERO;
    const region = originRegion(entry.origin);
    const { created, updated } = entry.times ?? { created: entry.hlc, updated: entry.hlc };
    const isFirst = before === undefined;
    const isEmpty = before === undefined || before.changeCount === 0; // one that lost all it had
    const row: DocumentRow = {
      ...place,
      profileId: view?.profileId ?? before?.profileId,
      deleted: view?.deleted ?? before?.deleted ?? false,
      quarantined: before?.quarantined ?? false,
      dirty: view === undefined,
      heads: view?.heads ?? advanceHeads(before?.heads ?? new Uint8Array(), entry.hash, deps),
      changeCount: (before?.changeCount ?? 0) + 1,
      sum: addSums(sumBefore, element),
      dep: raiseVector(joinVectors(before?.dep ?? VECTOR_ZERO, entry.dep), region, entry.hlc),
      createdHlc: isEmpty || created < before.createdHlc ? created : before.createdHlc,
      updatedHlc: isFirst || updated > before.updatedHlc ? updated : before.updatedHlc,
      conflicts: view?.conflicts ?? before?.conflicts ?? 0,
      view: view?.json ?? before?.view,
    };
    const chunks = [...entry.containers, entry.change];
    if (isPlaceless(entry)) {
      this.#ledger.raiseHorizon(region, entry.hlc);
      this.#store.nextEpoch();
    } else this.#log(entry, low64(element), isTaken);
    this.#store.writeDocument(row);
    const [only] = chunks;
    const isOne = chunks.length === 1 && only !== undefined;
    this.#store.appendTail(place, isOne ? only : Buffer.concat(chunks), chunks.length);
    if (view === undefined) this.#documents.changed(place, chunks);
    this.#ledger.account(place, {
      documents: isFirst ? 1 : 0,
      changes: 1,
      before: sumBefore,
      after: row.sum,
    });
    if (!isPlaceless(entry)) this.#ledger.hold(entry);
    this.#group.add(entry, view !== undefined);
    this.#snapshots.changed(row);
    return row;
  }

  /** Gives a change that its document has already its place in the log again. Nothing is counted. */
  relog({ entry, element }: SoundEntry): void {
    this.#group.open();
    this.#log(entry, low64(element), true);
    this.#ledger.hold(entry);
    this.#group.add(entry, false);
  }

  #log(entry: LogEntry, element64: bigint, isTaken: boolean): void {
    const { seq } = entry;
    if (isTaken) {
      if (this.#store.readLog(entry, { lo: seq, hi: seq }, 0).length > 0) return;
      this.#store.removeLogEntry(entry, seq);
    }
    this.#store.appendLog(entry, element64);
  }
}
