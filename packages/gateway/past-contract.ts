/** What the gateway needs to answer about a profile's past: part of `ProfileService`, by shape. */
import type { ChangeHash, ProfileId } from "@atoll/core";
import type { JsonValue, PatchOperation, ValuePatch } from "@atoll/profile";
import type { Answer, ProfileSnapshot, SessionOptions } from "./answer-contract.ts";

export type PastAnswer<T> = Answer &
  ({ readonly kind: "found"; readonly value: T } | { readonly kind: "absent" });

export interface ChangeInfo {
  readonly hash: string;
  readonly deps: readonly string[];
  readonly region: string | undefined;
  readonly actor: string;
  readonly seq: number;
  readonly timeMs: number;
  readonly message: string | undefined;
  readonly principal: string | undefined;
  readonly opCount: number;
}

/** A change's place in the order of the history. */
export interface HistoryPlace {
  readonly maxOp: number;
  readonly hash: string;
}

export type VersionName =
  | { readonly kind: "heads"; readonly heads: readonly ChangeHash[] }
  | { readonly kind: "time"; readonly atMs: number };

export interface WrittenValue {
  /** The operation that wrote it: its name in every region. */
  readonly opId: string;
  readonly value: JsonValue;
  /** Undefined for a container, which nobody in particular made. */
  readonly writer: ChangeInfo | undefined;
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

/** All may throw what `ProfileService.read` throws, not-found and document-quarantined. */
export interface PastService {
  /** Newest first. Also of a deleted profile. */
  history(
    id: ProfileId,
    page: { readonly limit: number; readonly after: HistoryPlace | undefined },
    session: SessionOptions,
  ): Promise<
    PastAnswer<{
      readonly changes: readonly ChangeInfo[];
      readonly next: HistoryPlace | undefined;
    }>
  >;
  version(
    id: ProfileId,
    name: VersionName,
    session: SessionOptions,
  ): Promise<PastAnswer<ProfileSnapshot>>;
  /** `to`: the present version unless named. */
  diff(
    id: ProfileId,
    versions: {
      readonly from: VersionName;
      readonly to: VersionName | undefined;
      /** `patches`: by characters of texts and counts of counters. */
      readonly format: "json-patch" | "patches";
    },
    session: SessionOptions,
  ): Promise<PastAnswer<{ readonly patch: readonly (PatchOperation | ValuePatch)[] }>>;
  /** The winner is the first of the values. */
  conflicts(
    id: ProfileId,
    session: SessionOptions,
  ): Promise<
    PastAnswer<readonly { readonly pointer: string; readonly values: readonly WrittenValue[] }[]>
  >;
  explain(
    id: ProfileId,
    pointer: string,
    session: SessionOptions,
  ): Promise<PastAnswer<ExplainedValue>>;
  /** An Automerge file. */
  snapshot(
    id: ProfileId,
    session: SessionOptions,
  ): Promise<PastAnswer<{ readonly etag: string; readonly bytes: Uint8Array }>>;
  /** What these heads do not have, parents before children. Throws unknown-base. */
  changes(
    id: ProfileId,
    heads: readonly ChangeHash[],
    session: SessionOptions,
  ): Promise<PastAnswer<readonly Uint8Array[]>>;
}
