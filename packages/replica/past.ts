/**
 * One profile's past and its writers, as this region knows them.
 *
 * The document says what changed and in which order; the log says when to the millisecond. Which region
 * wrote a change is in its actor, so that it is known also where the log has been trimmed. Times are
 * advisory: nothing that merges depends on them.
 */
import type { ChangeHash, DocId, ProfileId } from "@atoll/core";
import {
  AtollError,
  ByteReader,
  docIdOf,
  elementOf,
  errorText,
  fromHex,
  hlcToMs,
  limits,
  low64,
  originRegion,
  parseOrigin,
  regionByCode,
  toHex,
} from "@atoll/core";
import type { ChangeMeta, ConflictValue, Inspection, JsonValue } from "@atoll/profile";
import { DocumentError, parseAuthorship } from "@atoll/profile";
import type { DocumentRow } from "@atoll/store";
import { etagOf, headsOf } from "./heads.ts";
import type { Replica } from "./replica.ts";
import type { Snapshot } from "./snapshot.ts";

export interface ChangeInfo {
  readonly hash: string;
  readonly deps: readonly string[];
  /** Undefined when it was written by no region of this cluster. */
  readonly region: string | undefined;
  readonly actor: string;
  readonly seq: number;
  readonly timeMs: number;
  /** Of a change that no region wrote; ours say who asked for it. */
  readonly message: string | undefined;
  /** As the region that wrote it says. */
  readonly principal: string | undefined;
  readonly opCount: number;
}

/** A change's place in the order of the history. */
export interface HistoryPlace {
  readonly maxOp: number;
  readonly hash: string;
}

export interface HistoryPage {
  /** Newest first. */
  readonly changes: readonly ChangeInfo[];
  /** Where the next page starts after; undefined at the end. */
  readonly next: HistoryPlace | undefined;
}

/** A version by its heads, or everything that was written up to a time. */
export type VersionName =
  | { readonly kind: "heads"; readonly heads: readonly ChangeHash[] }
  | { readonly kind: "time"; readonly atMs: number };

export interface WrittenValue {
  readonly opId: string;
  readonly value: JsonValue;
  /** Who wrote it; undefined for a container, which nobody in particular made. */
  readonly writer: ChangeInfo | undefined;
}

export interface Conflict {
  readonly pointer: string;
  /** Winner first. */
  readonly values: readonly WrittenValue[];
}

export interface ExplainedValue {
  readonly kind: string;
  readonly value: JsonValue;
  readonly rule: string;
  readonly opId: string | undefined;
  readonly writer: ChangeInfo | undefined;
  readonly losers: readonly WrittenValue[];
  readonly parts: readonly WrittenValue[];
}

export class Past {
  readonly #replica: Replica;
  readonly row: DocumentRow;
  readonly #id: ProfileId;
  readonly #inspection: Inspection;
  /** One change may have written many parts of a set, list or text. */
  readonly #infoByChange = new Map<ChangeMeta, ChangeInfo>();

  private constructor(
    replica: Replica,
    id: ProfileId,
    opened: { readonly row: DocumentRow; readonly inspection: Inspection },
  ) {
    this.#replica = replica;
    this.#id = id;
    this.row = opened.row;
    this.#inspection = opened.inspection;
  }

  /** Runs with the profile's past; undefined when this region has never seen it. */
  static of<T>(replica: Replica, id: ProfileId, run: (past: Past) => T): T | undefined {
    const place = replica.placeOf(docIdOf(id));
    const row = replica.renderer.clean(place);
    if (row === undefined) return undefined;
    if (row.quarantined) throw unreadable();
    try {
      const inspection = replica.documents.open(place).inspect();
      return run(new Past(replica, id, { row, inspection }));
    } catch (error) {
      if (!(error instanceof DocumentError)) throw error;
      replica.documents.drop(place);
      throw unreadable(error);
    }
  }

  history(limit: number, after: HistoryPlace | undefined): HistoryPage {
    const all = this.#inspection.history();
    const isAfter = ({ maxOp, hash }: ChangeMeta): boolean =>
      after === undefined ||
      maxOp < after.maxOp ||
      (maxOp === after.maxOp && toHex(hash) < after.hash);
    const rest = all.filter(isAfter);
    const page = rest.slice(0, limit);
    const last = page.at(-1);
    const isMore = last !== undefined && rest.length > page.length;
    return {
      changes: page.map((change) => this.#infoOf(change)),
      next: isMore ? { maxOp: last.maxOp, hash: toHex(last.hash) } : undefined,
    };
  }

  /**
   * The profile as it was; undefined where it was not there. Throws not-found for a head that this region
   * does not have.
   */
  version(name: VersionName): Snapshot | undefined {
    const heads = this.headsOf(name);
    if (heads.length === 0) return undefined;
    const { json, deleted, exists } = this.#inspection.at(heads);
    if (deleted || !exists) return undefined;
    const hexes = heads.map(toHex).sort();
    const { createdHlc, dep } = this.row;
    const wanted = new Set(hexes);
    const times = this.#inspection
      .history()
      .filter(({ hash }) => wanted.has(toHex(hash)))
      .map((change) => this.#timeMsOf(change));
    return {
      id: this.#id,
      json,
      etag: etagOf(Buffer.concat(hexes.map(fromHex))),
      heads: hexes,
      createdAtMs: hlcToMs(createdHlc),
      updatedAtMs: Math.max(...times, hlcToMs(createdHlc)),
      hasConflicts: false, // of the past, nobody is asked to settle any
      dep,
    };
  }

  /** Without those that others of them build on. */
  headsOf(name: VersionName): ChangeHash[] {
    if (name.kind === "time") {
      return this.#inspection.headsWhere((change) => this.#isBy(change, name.atMs));
    }
    const missing = name.heads.find((hash) => !this.#inspection.has(hash));
    if (missing !== undefined) {
      throw new AtollError("not-found", `this region has no change ${toHex(missing)}`);
    }
    const included = new Set(this.#inspection.changesOf(name.heads).map(({ hash }) => toHex(hash)));
    return this.#inspection.headsWhere(({ hash }) => included.has(toHex(hash)));
  }

  presentHeads(): ChangeHash[] {
    return headsOf(this.row.heads);
  }

  conflicts(): Conflict[] {
    if (this.row.conflicts === 0) return []; // counted when the view was rendered
    return this.#inspection.conflicts().map(({ pointer, values }) => ({
      pointer,
      values: values.map((each) => this.#writtenOf(each)),
    }));
  }

  explain(pointer: string): ExplainedValue | undefined {
    const found = this.#inspection.explain(pointer);
    if (found === undefined) return undefined;
    return {
      ...found,
      writer: this.#writerOf(found.opId),
      losers: found.losers.map((loser) => this.#writtenOf(loser)),
      parts: found.parts.map((part) => this.#writtenOf({ ...part, isWritten: true })),
    };
  }

  save(): Uint8Array {
    return this.#inspection.save();
  }

  /** Throws unknown-base for heads that are not here. */
  changesSince(heads: readonly ChangeHash[]): Uint8Array[] {
    const missing = heads.find((hash) => !this.#inspection.has(hash));
    if (missing === undefined) return this.#inspection.changesSince(heads);
    throw new AtollError("unknown-base", `this region has no change ${toHex(missing)}`);
  }

  #writtenOf({ opId, value, isWritten }: ConflictValue): WrittenValue {
    return { opId, value, writer: isWritten ? this.#writerOf(opId) : undefined };
  }

  #writerOf(opId: string | undefined): ChangeInfo | undefined {
    const change = opId === undefined ? undefined : this.#inspection.changeOf(opId);
    return change && this.#infoOf(change);
  }

  #infoOf(change: ChangeMeta): ChangeInfo {
    const known = this.#infoByChange.get(change);
    if (known !== undefined) return known;
    const { hash, deps, actor, seq, message, startOp, maxOp } = change;
    const region = this.#regionOf(actor);
    const said = region === undefined ? undefined : parseAuthorship(message);
    const isText = said === undefined && message !== "";
    const info: ChangeInfo = {
      hash: toHex(hash),
      deps: deps.map(toHex),
      region,
      actor,
      seq,
      timeMs: this.#timeMsOf(change),
      message: isText ? message?.slice(0, limits.AUTHORSHIP_CHARS_MAX) : undefined,
      principal: said?.principal,
      opCount: maxOp - startOp + 1,
    };
    this.#infoByChange.set(change, info);
    return info;
  }

  /** An actor is an origin and chance: see `identity.ts`. */
  #regionOf(actor: string): string | undefined {
    const origin = parseOrigin(Number(new ByteReader(fromHex(actor)).u64()));
    const code = origin && originRegion(origin);
    return code && regionByCode(this.#replica.cluster, code)?.name;
  }

  #timeMsOf({ hash, timeSeconds }: ChangeMeta): number {
    const { cluster, store } = this.#replica;
    const docId: DocId = this.row.docId;
    const element64 = low64(elementOf(cluster.keys, docId, hash));
    const entry = store.findChange(docId, hash, element64);
    return entry === undefined ? timeSeconds * 1000 : hlcToMs(entry.hlc);
  }

  /** The log is asked only about the second in question. */
  #isBy(change: ChangeMeta, atMs: number): boolean {
    const second = Math.floor(atMs / 1000);
    if (change.timeSeconds !== second) return change.timeSeconds < second;
    return this.#timeMsOf(change) <= atMs;
  }
}

function unreadable(cause?: DocumentError): AtollError {
  const reason = cause === undefined ? "" : `: ${errorText(cause)}`;
  const detail = `this profile's document does not open here${reason}`;
  return new AtollError("document-quarantined", detail, {}, cause);
}
