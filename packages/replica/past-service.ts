/**
 * Asking about a profile's past, for the gateway: a session is admitted as for any read, and what rests on
 * staged writes waits until they are durable.
 */
import type { ChangeHash, ProfileId, RegionVector } from "@atoll/core";
import { joinVectors } from "@atoll/core";
import type { JsonValue, PatchOperation, ValuePatch } from "@atoll/profile";
import { diffJson, diffPatches } from "@atoll/profile";
import type { GroupCommit } from "./group-commit.ts";
import type { Conflict, ExplainedValue, HistoryPage, HistoryPlace, VersionName } from "./past.ts";
import { Past } from "./past.ts";
import type { Replica } from "./replica.ts";
import type { Admission, SessionOptions } from "./sessions.ts";
import type { Snapshot } from "./snapshot.ts";

export type PastAnswer<T> = { readonly sessionToken: string; readonly stale: boolean } & (
  { readonly kind: "found"; readonly value: T } | { readonly kind: "absent" }
);

export interface Difference {
  readonly from: readonly ChangeHash[];
  readonly to: readonly ChangeHash[];
  readonly patch: readonly (PatchOperation | ValuePatch)[];
}

/** A profile as bytes for other Automerge programs. */
export interface DocumentExport {
  readonly etag: string;
  readonly bytes: Uint8Array;
}

export class PastService {
  readonly #replica: Replica;
  readonly #group: GroupCommit;
  readonly #admit: (session: SessionOptions) => Admission | Promise<Admission>;
  readonly #token: (vector: RegionVector) => string;

  constructor(rooms: {
    readonly replica: Replica;
    readonly group: GroupCommit;
    readonly admit: (session: SessionOptions) => Admission | Promise<Admission>;
    readonly token: (vector: RegionVector) => string;
  }) {
    this.#replica = rooms.replica;
    this.#group = rooms.group;
    this.#admit = rooms.admit;
    this.#token = rooms.token;
  }

  /** Also of a deleted profile: that is what its past is asked for. */
  history(
    id: ProfileId,
    page: { readonly limit: number; readonly after: HistoryPlace | undefined },
    session: SessionOptions,
  ): Promise<PastAnswer<HistoryPage>> {
    return this.#ask(id, session, (past) => past.history(page.limit, page.after));
  }

  version(
    id: ProfileId,
    name: VersionName,
    session: SessionOptions,
  ): Promise<PastAnswer<Snapshot>> {
    return this.#ask(id, session, (past) => past.version(name));
  }

  /** `to`: the present version unless named. A version in which the profile is not there is empty. */
  diff(
    id: ProfileId,
    {
      from,
      to,
      format,
    }: {
      readonly from: VersionName;
      readonly to: VersionName | undefined;
      readonly format: "json-patch" | "patches";
    },
    session: SessionOptions,
  ): Promise<PastAnswer<Difference>> {
    const { root } = this.#replica.codec.schema;
    return this.#ask(id, session, (past) => {
      const newer = to ?? { kind: "heads", heads: past.presentHeads() };
      const valueAt = (name: VersionName): JsonValue =>
        JSON.parse(past.version(name)?.json ?? "{}") as JsonValue;
      const [before, after] = [valueAt(from), valueAt(newer)];
      return {
        from: past.headsOf(from),
        to: past.headsOf(newer),
        patch: format === "patches" ? diffPatches(before, after, root) : diffJson(before, after),
      };
    });
  }

  conflicts(id: ProfileId, session: SessionOptions): Promise<PastAnswer<readonly Conflict[]>> {
    return this.#askPresent(id, session, (past) => past.conflicts());
  }

  /** `absent` also when nothing is at the pointer. */
  explain(
    id: ProfileId,
    pointer: string,
    session: SessionOptions,
  ): Promise<PastAnswer<ExplainedValue>> {
    return this.#askPresent(id, session, (past) => past.explain(pointer));
  }

  /** The whole document, verified, as Automerge saves it. */
  snapshot(id: ProfileId, session: SessionOptions): Promise<PastAnswer<DocumentExport>> {
    return this.#askPresent(id, session, (past) => ({
      etag: past.version({ kind: "heads", heads: past.presentHeads() })?.etag ?? "",
      bytes: past.save(),
    }));
  }

  /** Changes that these heads do not have, one after the other; parents before children. */
  changes(
    id: ProfileId,
    heads: readonly ChangeHash[],
    session: SessionOptions,
  ): Promise<PastAnswer<readonly Uint8Array[]>> {
    return this.#askPresent(id, session, (past) => past.changesSince(heads));
  }

  #askPresent<T>(
    id: ProfileId,
    session: SessionOptions,
    question: (past: Past) => T | undefined,
  ): Promise<PastAnswer<T>> {
    return this.#ask(id, session, (past) => (past.row.deleted ? undefined : question(past)));
  }

  async #ask<T>(
    id: ProfileId,
    session: SessionOptions,
    question: (past: Past) => T | undefined,
  ): Promise<PastAnswer<T>> {
    const { seen, stale } = await this.#admit(session);
    const found = this.#group.stage(() =>
      Past.of(this.#replica, id, (past) => ({ value: question(past), dep: past.row.dep })),
    );
    await this.#group.durable(); // what was rendered for this, and what others have staged
    const sessionToken = this.#token(found === undefined ? seen : joinVectors(seen, found.dep));
    return found?.value === undefined
      ? { sessionToken, stale, kind: "absent" }
      : { sessionToken, stale, kind: "found", value: found.value };
  }
}
