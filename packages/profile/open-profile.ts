/**
 * One profile in memory: edited, merged, shown and saved.
 *
 * It owns wasm memory: whoever opens one frees it, and after a `DocumentError` does nothing else
 * with it. An edit is planned on plain values before Automerge is called, so that one that cannot
 * be made leaves no trace.
 */
import {
  AtollError,
  DEFAULT_TENANT,
  limits,
  nameChange,
  nameOfReceived,
  parseProfileId,
  profileOf,
  toHex,
} from "@atoll/core";
import type { ChangeHash, ProfileId, Tenant } from "@atoll/core";
import type { Authorship } from "./authorship.ts";
import { authorshipMessage, isAuthorshipLike } from "./authorship.ts";
import { canonicalBytes } from "./canonical.ts";
import { readChangeHead } from "./change-chunk.ts";
import { splitChunks } from "./chunk-run.ts";
import type { ContainerChange, ContainerPath } from "./containers.ts";
import type { AutomergeDocument, DocumentView } from "./document.ts";
import { DocumentError } from "./document-error.ts";
import type { ProfileEdit } from "./edit.ts";
import type { JsonObject } from "./json.ts";
import { invalid, jsonFaults } from "./json.ts";
import { mergeObject } from "./merge-patch.ts";
import type { Operation } from "./operations.ts";
import { Inspection } from "./inspection.ts";
import { planJsonPatch } from "./plan-json-patch.ts";
import { planNative } from "./plan-native.ts";
import { revertedValue } from "./plan-revert.ts";
import { Steps, clearAll } from "./plan-steps.ts";
import type { Plan } from "./plan.ts";
import { planIncrement, planMergePatch, planPut } from "./plan.ts";
import type { SchemaNode } from "./schema.ts";
import { ShownProfile } from "./shown-profile.ts";
import type { StoredMap } from "./stored.ts";
import { storedAt, storedScalar } from "./stored.ts";
import { showProfile } from "./view.ts";

export interface Identity {
  readonly tenant: Tenant;
  readonly id: ProfileId;
}

/** What an edit needs to know besides itself. */
export interface EditContext {
  /** Advisory time of the change: seconds of the HLC. */
  readonly timeSeconds: number;
  /** Recorded by a delete: milliseconds of the HLC. */
  readonly deletedAtMs: number;
  /** Written into the document by its first edit. */
  readonly identity: Identity;
  /** The version that the client saw: the edit is made there, and merges. Undefined: the present one. */
  readonly base?: readonly ChangeHash[] | undefined;
  /** Who asked for it. Travels with the change. */
  readonly by?: Authorship | undefined;
}

export type EditResult =
  /** The profile already was what was asked for: nothing was recorded. */
  | { readonly changed: false }
  | {
      readonly changed: true;
      readonly hash: ChangeHash;
      /** Uncompressed chunk of type 1. */
      readonly change: Uint8Array;
      /** Container changes this change builds on and the document did not have; in order. */
      readonly containers: readonly Uint8Array[];
    };

export interface RenderedProfile {
  /** With its tenant. Unknown only in a document that holds no edit yet. */
  readonly profileId: ProfileId | undefined;
  readonly tenant: Tenant;
  readonly deleted: boolean;
  /** Canonical JSON (RFC 8785) of what is inside, also of a deleted profile. */
  readonly json: string;
  /** Members whose concurrent writes left a loser with another value. */
  readonly conflicts: number;
}

/** What all open profiles of a process share. */
export interface Shared {
  readonly root: SchemaNode;
  /** The change that makes a container; the same bytes always and everywhere. */
  containerChange(path: ContainerPath): ContainerChange;
  /** Whether a change of a document's history is the genesis or makes a container. */
  isUncounted(hash: ChangeHash, message: string | undefined): boolean;
  /** A saved document, its columns plain, as a store keeps it. */
  pack(saved: Uint8Array): Uint8Array;
}

export class OpenProfile {
  /** The writer of this document's local changes: 16 bytes. */
  readonly actor: Uint8Array;
  readonly #shared: Shared;
  readonly #document: AutomergeDocument;
  /** Who it was created as, for as long as the document itself does not say. */
  readonly #identity: Identity | undefined;
  readonly #shown: ShownProfile;
  /** Something concurrent is known to be in its history: no need to look for it. */
  #isForked = false;

  constructor(
    shared: Shared,
    document: AutomergeDocument,
    state: {
      readonly actor: Uint8Array;
      readonly identity: Identity | undefined;
      /** Nobody has written in it yet. */
      readonly isEmpty: boolean;
    },
  ) {
    this.#shared = shared;
    this.#document = document;
    this.actor = state.actor;
    this.#identity = state.identity;
    this.#shown = new ShownProfile(shared.root);
    if (state.isEmpty) this.#shown.knowNoConflicts();
  }

  /**
   * Throws `AtollError` for an edit that cannot be made, with the document untouched;
   * `DocumentError` when Automerge failed, after which the profile must be freed and opened again
   * from its bytes. The same holds for a caller that does not keep the change: it is in this
   * document already.
   */
  edit(edit: ProfileEdit, context: EditContext): EditResult {
    const base = context.base && this.#baseOf(context.base);
    const seen = base === undefined ? this.#document : this.#document.viewAt(base);
    const plan = this.#plan(edit, context, seen);
    if (base === undefined) this.#checkSize(edit);
    if (plan.operations.length === 0) return { changed: false };
    const made = plan.containers.map((path) => this.#shared.containerChange(path));
    const containers = made.map(({ chunk }) => chunk);
    if (containers.length > 0) this.#document.appendInModule(containers); // nothing else takes them
    const { operations } = plan;
    const message = context.by && authorshipMessage(context.by);
    this.#searchConflicts(); // while all that is here is in the module
    const change =
      base === undefined
        ? this.#document.perform(operations, context.timeSeconds, message)
        : this.#document.performAt(
            [...base, ...made.map(({ hash }) => hash)],
            operations,
            context.timeSeconds,
            message,
          );
    if (change === undefined) {
      if (containers.length > 0) throw new DocumentError("containers were made for nothing");
      return { changed: false };
    }
    if (change.length > limits.CHANGE_BYTES_MAX) {
      throw new DocumentError(`the change has ${change.length} bytes`);
    }
    this.#follow();
    if (base !== undefined) this.#forked();
    return { changed: true, hash: nameOfReceived(change), change, containers };
  }

  /**
   * Changes from elsewhere and the containers they carry, verified by `parseChangeChunk` and
   * `isContainerChange`, parents known or earlier in the list. Throws `DocumentError`.
   */
  append(chunks: readonly Uint8Array[]): void {
    if (chunks.length === 0) return;
    const before = this.#shown.knowsConflicts ? this.#document.heads() : undefined;
    const rest = this.#document.append(chunks);
    this.#document.prove(rest);
    this.#follow();
    const isSuccession =
      before !== undefined && (rest.length === 0 || this.#succeed(before, chunks));
    if (!isSuccession) this.#forked();
  }

  /**
   * Before anything is shown of the tail that it was opened with: what came from elsewhere must be such that
   * it can be saved, as `append` has seen to for what came since. Throws `DocumentError`.
   */
  prove(tail: Uint8Array): void {
    if (tail.length === 0) return;
    const chunks = splitChunks(tail);
    if (chunks === undefined) throw new DocumentError("the tail is no run of changes");
    this.#document.prove(chunks);
  }

  /** For whoever asks about the past, or about who wrote what. Valid until the next edit. */
  inspect(): Inspection {
    return new Inspection(this.#document, this.#shared);
  }

  /** Sorted. */
  heads(): ChangeHash[] {
    return this.#document.heads();
  }

  render(): RenderedProfile {
    const meta = this.#document.meta;
    const id = storedScalar(storedAt(meta, "id"));
    const tenant = storedScalar(storedAt(meta, "tenant"));
    const { profile } = this.#document;
    const of = typeof tenant === "string" ? (tenant as Tenant) : this.#tenantUnsaid(id);
    const local = typeof id === "string" ? parseProfileId(id) : this.#identity?.id;
    return {
      profileId: local && profileOf(of, local),
      tenant: of,
      deleted: this.#isDeleted,
      json: this.#shown.json(profile),
      conflicts: this.#countConflicts(profile),
    };
  }

  /** As a store keeps it: see `packed-document.ts`. Verified: loading it gives the same heads. */
  save(): Uint8Array {
    return this.#shared.pack(this.#document.save("plain"));
  }

  /** What the document holds but for the genesis and container changes; parents before children. */
  changeHashes(): ChangeHash[] {
    return this.#document.record
      .history()
      .filter((change) => !this.#shared.isUncounted(change.hash, change.message))
      .map((change) => change.hash);
  }

  /** Whether this change is in the document, at its heads or below. */
  holds(change: ChangeHash): boolean {
    return this.#document.record.hasChange(change);
  }

  /** Every change as a chunk, the genesis and containers too; parents before children. */
  changes(): Uint8Array[] {
    return this.#document.record.changes();
  }

  /** Idempotent. */
  free(): void {
    this.#document.free();
  }

  get #root(): SchemaNode {
    return this.#shared.root;
  }

  /** The default tenant is never written; before the first edit nothing is. */
  #tenantUnsaid(id: unknown): Tenant {
    return id === undefined ? (this.#identity?.tenant ?? DEFAULT_TENANT) : DEFAULT_TENANT;
  }

  get #isDeleted(): boolean {
    return isDeleted(this.#document);
  }

  /** Undefined when it is the present version anyway. Throws unknown-base. */
  #baseOf(base: readonly ChangeHash[]): readonly ChangeHash[] | undefined {
    const present = this.#document.heads().map(toHex);
    if (present.join() === base.map(toHex).sort().join()) return undefined;
    const unknown = base.find((hash) => !this.#document.record.hasChange(hash));
    if (unknown === undefined) return base;
    throw new AtollError("unknown-base", `this region has no change ${toHex(unknown)}`);
  }

  #plan(edit: ProfileEdit, context: EditContext, seen: DocumentView): Plan {
    const content = this.#planContent(edit, seen);
    const at = ["meta"];
    const operations: Operation[] = [];
    if (storedAt(seen.meta, "id") === undefined) {
      const { id, tenant } = context.identity;
      operations.push({ kind: "put", at, key: "id", value: id });
      if (tenant !== DEFAULT_TENANT) {
        operations.push({ kind: "put", at, key: "tenant", value: tenant });
      }
    }
    if (edit.kind === "delete" && !isDeleted(seen)) {
      operations.push({ kind: "put", at, key: "deletedAt", value: context.deletedAtMs });
    } else if (showsAgain(edit) && isDeleted(seen)) {
      operations.push({ kind: "remove", at, key: "deletedAt" });
    }
    return { containers: content.containers, operations: [...operations, ...content.operations] };
  }

  #planContent(edit: ProfileEdit, { profile }: DocumentView): Plan {
    switch (edit.kind) {
      case "put":
        refuseFaults(edit.value);
        return planPut(profile, this.#root, edit.value);
      case "merge-patch":
        refuseFaults(edit.patch);
        return planMergePatch(profile, this.#root, edit.patch);
      case "increment":
        return planIncrement(profile, this.#root, edit);
      case "json-patch":
      case "operations":
        return this.#planSteps(edit, profile);
      case "revert": {
        const to = this.#baseOf(edit.to);
        const then = to === undefined ? profile : this.#document.viewAt(to).profile;
        const versions = {
          now: showProfile(profile, this.#root),
          then: showProfile(then, this.#root),
        };
        return planPut(profile, this.#root, revertedValue(versions, this.#root, edit.pointers));
      }
      case "delete":
        return { operations: [], containers: [] };
    }
  }

  /** Something was added beside what was there: conflicts are looked for again. */
  #forked(): void {
    if (this.#shown.knowsConflicts) this.#isForked = true;
    this.#shown.forgetConflicts();
  }

  #planSteps(
    edit: ProfileEdit & { readonly kind: "json-patch" | "operations" },
    profile: StoredMap,
  ): Plan {
    const steps = new Steps(profile, this.#root);
    if (edit.recreates === true) clearAll(steps);
    if (edit.kind === "json-patch") planJsonPatch(steps, edit.operations);
    else planNative(steps, edit.operations, this.#document.record);
    const plan = steps.finish();
    const bytes = canonicalBytes(steps.show());
    // What grew too large by merging may still be made smaller, here too.
    if (bytes > limits.PROFILE_BYTES_MAX && bytes > canonicalBytes(this.#show())) refuseSize(bytes);
    return plan;
  }

  /** Refuses what would become too large, as far as that is known without doing it. */
  #checkSize(edit: ProfileEdit): void {
    if (edit.kind === "put") refuseSize(canonicalBytes(edit.value));
    if (edit.kind !== "merge-patch") return;
    const bytes = this.#shown.bytes(this.#document.profile);
    if (bytes + canonicalBytes(edit.patch) <= limits.PROFILE_BYTES_MAX) return;
    const exact = canonicalBytes(mergeObject(this.#show(), edit.patch));
    // A profile that grew too large by merging may still be made smaller.
    if (exact > bytes) refuseSize(exact);
  }

  #show(): JsonObject {
    return showProfile(this.#document.profile, this.#root);
  }

  /** What has changed in the document changes in what is shown of it. */
  #follow(): void {
    this.#shown.touched(this.#document.takeTouched(), this.#document.profile);
  }

  /** Looks once whether there can be any; an edit of ours adds none. */
  #searchConflicts(): void {
    if (this.#shown.knowsConflicts || this.#isForked) return;
    if (this.#isOneLine()) this.#shown.knowNoConflicts();
    else this.#isForked = true;
  }

  #countConflicts(profile: StoredMap): number {
    this.#searchConflicts();
    return this.#shown.conflicts(profile, (at, key) => this.#document.record.conflictsAt(at, key));
  }

  /** A short history in which every change knew of the one before it has no conflicts. */
  #isOneLine(): boolean {
    if (this.#document.record.size().changes > limits.HISTORY_SEARCHED_MAX) return false;
    let previous: string | undefined;
    for (const { hash, deps, message } of this.#document.record.history()) {
      if (!isEditMessage(message) && this.#shared.isUncounted(hash, message)) continue;
      if (previous !== undefined && !deps.some((dep) => toHex(dep) === previous)) return false;
      previous = toHex(hash);
    }
    return true;
  }

  /** True when these changes, one after the other, knew all that was here before: nothing is concurrent. */
  #succeed(before: readonly ChangeHash[], chunks: readonly Uint8Array[]): boolean {
    let heads = before.map(toHex);
    for (const [i, chunk] of chunks.entries()) {
      const head = readChangeHead(chunk);
      if (head === undefined) return false;
      const isEdit = isEditMessage(head.message);
      if (!isEdit && this.#shared.isUncounted(hashOfChunk(chunk), head.message)) continue;
      const known = new Set(head.deps.map(toHex));
      if (!heads.every((each) => known.has(each))) return false;
      if (i < chunks.length - 1) heads = [toHex(hashOfChunk(chunk))];
    }
    return true;
  }
}

export function isDeleted({ meta }: DocumentView): boolean {
  return typeof storedAt(meta, "deletedAt") === "number";
}

/** Edits after which a deleted profile is there again. */
function showsAgain(edit: ProfileEdit): boolean {
  if (edit.kind === "json-patch" || edit.kind === "operations") return edit.recreates === true;
  return edit.kind === "put" || edit.kind === "revert";
}

function refuseFaults(value: JsonObject): void {
  const faults = jsonFaults(value);
  if (faults.length > 0) throw invalid(faults);
}

function refuseSize(bytes: number): void {
  if (bytes <= limits.PROFILE_BYTES_MAX) return;
  const detail = `would have ${bytes} bytes; at most ${limits.PROFILE_BYTES_MAX} are kept`;
  throw invalid([{ pointer: "", code: "too-large", detail }]);
}

/** No genesis and no container has such a message, so that neither has to be made to compare. */
function isEditMessage(message: string | undefined): boolean {
  return message === undefined || message === "" || isAuthorshipLike(message);
}

/** The name that Automerge gives a change. */
export function hashOfChunk(chunk: Uint8Array): ChangeHash {
  return nameChange(chunk);
}
