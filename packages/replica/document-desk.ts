/**
 * One document as an operator asks about it: what this region has of it, and what it would be together with
 * what another region has.
 *
 * Nothing here writes. A preview merges in memory, with this region's schema, exactly what a healed link
 * would merge; the documents that it opens are its own, are not cached, and are freed.
 */
import type { ChangeHash, DocId } from "@atoll/core";
import {
  AtollError,
  ByteReader,
  errorText,
  fromHex,
  hlcToMs,
  limits,
  originRegion,
  parseDocId,
  parseOrigin,
  regionByCode,
  splitProfileId,
  toHex,
} from "@atoll/core";
import type {
  ChangeMeta,
  ConflictValue,
  Inspection,
  JsonValue,
  OpenProfile,
  PatchOperation,
} from "@atoll/profile";
import { DocumentError, diffJson, parseChangeChunk, splitChunks } from "@atoll/profile";
import type { DocumentRow } from "@atoll/store";
import { headsToHex } from "./heads.ts";
import type { Replica } from "./replica.ts";

export interface DocumentFacts {
  readonly docId: string;
  /** As its clients know it, and whose it is; null where it is not known here. */
  readonly profileId: string | null;
  readonly tenant: string | null;
  readonly shard: number;
  readonly deleted: boolean;
  readonly quarantined: boolean;
  readonly changes: number;
  readonly sum: string;
  readonly heads: readonly string[];
  readonly conflicts: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface ShownChange {
  readonly hash: string;
  /** Null when it was written by no region of this cluster. */
  readonly region: string | null;
  readonly seq: number;
  readonly time: string;
}

export interface ShownValue {
  /** The operation that wrote it: its name in every region. */
  readonly opId: string;
  readonly value: JsonValue;
  readonly region: string | null;
}

export interface ShownConflict {
  readonly pointer: string;
  /** Winner first. */
  readonly values: readonly ShownValue[];
}

export interface DocumentVersion {
  readonly exists: boolean;
  readonly deleted: boolean;
  readonly profile: JsonValue;
}

export interface DocumentContent extends DocumentVersion {
  readonly heads: readonly string[];
  /** Newest first. */
  readonly changes: readonly ShownChange[];
  readonly conflicts: readonly ShownConflict[];
}

export interface MergePreview {
  readonly here: DocumentVersion;
  readonly there: DocumentVersion;
  readonly merged: DocumentVersion;
  /** What only one side has. */
  readonly changes: { readonly here: number; readonly there: number };
  /** What becomes of the profile on either side. */
  readonly edits: {
    readonly here: readonly PatchOperation[];
    readonly there: readonly PatchOperation[];
  };
  /** Those that neither side has yet. */
  readonly conflicts: readonly ShownConflict[];
}

export class DocumentDesk {
  readonly #replica: Replica;

  constructor(replica: Replica) {
    this.#replica = replica;
  }

  /** Undefined when this region has never seen it, as for all that follow but `preview`. */
  facts(docId: string): DocumentFacts | undefined {
    const row = this.#rowOf(docIdIn(docId));
    if (row === undefined) return undefined;
    const whose = row.profileId === undefined ? undefined : splitProfileId(row.profileId);
    return {
      docId,
      profileId: whose?.id ?? null,
      tenant: whose?.tenant ?? null,
      shard: row.shard,
      deleted: row.deleted,
      quarantined: row.quarantined,
      changes: row.changeCount,
      sum: toHex(row.sum),
      heads: headsToHex(row.heads),
      conflicts: row.conflicts,
      createdAt: new Date(hlcToMs(row.createdHlc)).toISOString(),
      updatedAt: new Date(hlcToMs(row.updatedHlc)).toISOString(),
    };
  }

  /** Throws document-quarantined, as all that follow. */
  content(docId: string): DocumentContent | undefined {
    const id = docIdIn(docId);
    if (this.#rowOf(id) === undefined) return undefined;
    return this.#with([this.#bodyOf(id)], ([profile]) => {
      const inspection = profile.inspect();
      return {
        ...versionAt(inspection),
        heads: profile.heads().map(toHex),
        changes: inspection.history().map((change) => this.#shownChange(change)),
        conflicts: this.#conflictsOf(inspection),
      };
    });
  }

  /** Every change of it, one after the other. */
  chunks(docId: string): Uint8Array | undefined {
    const id = docIdIn(docId);
    if (this.#rowOf(id) === undefined) return undefined;
    return this.#with([this.#bodyOf(id)], ([profile]) => Buffer.concat(profile.changes()));
  }

  /** `theirs`: what another region's `chunks` said. Throws malformed-request for what is none. */
  preview(docId: string, theirs: Uint8Array): MergePreview {
    const chunks = soundChunks(theirs);
    const here = this.#bodyOf(docIdIn(docId));
    return this.#with([here, EMPTY, here], ([ours, other, merged]) => {
      other.append(chunks);
      merged.append(chunks);
      const [a, b, both] = [ours.inspect(), other.inspect(), merged.inspect()];
      const [before, elsewhere, after] = [versionAt(a), versionAt(b), versionAt(both)];
      const known = new Set([...this.#conflictsOf(a), ...this.#conflictsOf(b)].map(conflictName));
      return {
        here: before,
        there: elsewhere,
        merged: after,
        changes: { here: countNotIn(a, b), there: countNotIn(b, a) },
        edits: { here: editsOf(before, after), there: editsOf(elsewhere, after) },
        conflicts: this.#conflictsOf(both).filter((each) => !known.has(conflictName(each))),
      };
    });
  }

  #rowOf(docId: DocId): DocumentRow | undefined {
    return this.#replica.store.readDocument(this.#replica.placeOf(docId));
  }

  #bodyOf(docId: DocId): Body {
    const place = this.#replica.placeOf(docId);
    if (this.#rowOf(docId)?.quarantined === true) throw unreadable();
    return this.#replica.store.readBody(place) ?? EMPTY;
  }

  /** Documents of its own for as long as `work` lasts. */
  #with<const Bodies extends readonly Body[], T>(
    bodies: Bodies,
    work: (profiles: { readonly [I in keyof Bodies]: OpenProfile }) => T,
  ): T {
    const opened: OpenProfile[] = [];
    try {
      for (const body of bodies) opened.push(this.#replica.codec.open(body, ACTOR_OF_NOBODY));
      return work(opened as never);
    } catch (error) {
      if (!(error instanceof DocumentError)) throw error;
      throw unreadable(error);
    } finally {
      for (const profile of opened) profile.free();
    }
  }

  #conflictsOf(inspection: Inspection): ShownConflict[] {
    return inspection.conflicts().map(({ pointer, values }) => ({
      pointer,
      values: values.map((each) => this.#shownValue(inspection, each)),
    }));
  }

  #shownValue(inspection: Inspection, { opId, value, isWritten }: ConflictValue): ShownValue {
    const change = isWritten ? inspection.changeOf(opId) : undefined;
    return { opId, value, region: change === undefined ? null : this.#regionOf(change) };
  }

  #shownChange(change: ChangeMeta): ShownChange {
    return {
      hash: toHex(change.hash),
      region: this.#regionOf(change),
      seq: change.seq,
      time: new Date(change.timeSeconds * 1_000).toISOString(),
    };
  }

  /** An actor begins with its origin. */
  #regionOf({ actor }: ChangeMeta): string | null {
    const bytes = fromHex(actor);
    const origin = bytes.length < 8 ? undefined : parseOrigin(Number(new ByteReader(bytes).u64()));
    if (origin === undefined) return null;
    return regionByCode(this.#replica.cluster, originRegion(origin))?.name ?? null;
  }
}

interface Body {
  readonly base: Uint8Array | undefined;
  readonly tail: Uint8Array;
}

const EMPTY: Body = { base: undefined, tail: new Uint8Array() };
/** Whoever only looks writes nothing, so no actor is ever seen. */
const ACTOR_OF_NOBODY = new Uint8Array(16);

function versionAt(inspection: Inspection): DocumentVersion {
  const { json, deleted, exists } = inspection.at(inspection.heads());
  return { exists, deleted, profile: JSON.parse(json) as JsonValue };
}

/** What a reader sees: nothing of a profile that is deleted or was never there. */
function editsOf(before: DocumentVersion, after: DocumentVersion): readonly PatchOperation[] {
  const seen = ({ exists, deleted, profile }: DocumentVersion): JsonValue =>
    exists && !deleted ? profile : {};
  return diffJson(seen(before), seen(after));
}

function countNotIn(one: Inspection, other: Inspection): number {
  return one.history().filter(({ hash }: { readonly hash: ChangeHash }) => !other.has(hash)).length;
}

function conflictName({ pointer, values }: ShownConflict): string {
  return JSON.stringify([pointer, values.map(({ opId }) => opId)]);
}

function docIdIn(hex: string): DocId {
  const docId = /^[0-9a-f]{32}$/.test(hex) ? parseDocId(fromHex(hex)) : undefined;
  if (docId !== undefined) return docId;
  throw new AtollError("malformed-request", "a document's id has 32 hexadecimal digits");
}

/** Each of them whole and within bounds, before Automerge sees any. */
function soundChunks(bytes: Uint8Array): Uint8Array[] {
  const chunks = splitChunks(bytes);
  if (chunks === undefined || chunks.length > limits.PREVIEW_CHANGES_MAX) {
    throw new AtollError("malformed-request", "the body is no run of changes");
  }
  for (const chunk of chunks) {
    const parsed = parseChangeChunk(chunk);
    if (parsed.kind === "fault") {
      throw new AtollError("malformed-request", `the body holds a bad change: ${parsed.reason}`);
    }
  }
  return chunks;
}

function unreadable(cause?: DocumentError): AtollError {
  const why = cause === undefined ? "" : `: ${errorText(cause)}`;
  const detail = `this document does not open here${why}`;
  return new AtollError("document-quarantined", detail, {}, cause);
}
