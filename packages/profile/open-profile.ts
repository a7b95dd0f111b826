/**
 * One profile in memory: edited, merged, shown and saved.
 *
 * It owns wasm memory: whoever opens one frees it, and after a `DocumentError` does nothing else
 * with it. An edit is planned on plain values before Automerge is called, so that one that cannot
 * be made leaves no trace.
 */
import { hash as digest } from "node:crypto";
import { DEFAULT_TENANT, limits, mustChangeHash, parseProfileId, toHex } from "@atoll/core";
import type { ChangeHash, ProfileId, Tenant } from "@atoll/core";
import { canonicalBytes, canonicalJson } from "./canonical.ts";
import { parseChangeChunk } from "./change-chunk.ts";
import { countConflicts } from "./conflicts.ts";
import type { ContainerChange, ContainerPath } from "./containers.ts";
import type { AutomergeDocument } from "./document.ts";
import { DocumentError } from "./document.ts";
import type { ProfileEdit } from "./edit.ts";
import type { JsonObject } from "./json.ts";
import { invalid, jsonFaults } from "./json.ts";
import { mergeObject } from "./merge-patch.ts";
import type { Operation } from "./operations.ts";
import type { Plan } from "./plan.ts";
import { planIncrement, planMergePatch, planPut } from "./plan.ts";
import type { SchemaNode } from "./schema.ts";
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
  /** Unknown only in a document that holds no edit yet. */
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
}

export class OpenProfile {
  /** The writer of this document's local changes: 16 bytes. */
  readonly actor: Uint8Array;
  readonly #shared: Shared;
  readonly #document: AutomergeDocument;
  /** Who it was created as, for as long as the document itself does not say. */
  readonly #identity: Identity | undefined;
  /** Undefined: to be counted. Zero stays zero until something concurrent arrives. */
  #conflicts: number | undefined;
  /** Upper bound of the canonical JSON's bytes; undefined: to be measured. */
  #viewBytesMax: number | undefined;

  constructor(
    shared: Shared,
    document: AutomergeDocument,
    state: {
      readonly actor: Uint8Array;
      readonly identity: Identity | undefined;
      readonly conflicts: number | undefined;
    },
  ) {
    this.#shared = shared;
    this.#document = document;
    this.actor = state.actor;
    this.#identity = state.identity;
    this.#conflicts = state.conflicts;
  }

  /**
   * Throws `AtollError` for an edit that cannot be made, with the document untouched;
   * `DocumentError` when Automerge failed, after which the profile must be freed and opened again
   * from its bytes. The same holds for a caller that does not keep the change: it is in this
   * document already.
   */
  edit(edit: ProfileEdit, context: EditContext): EditResult {
    const plan = this.#plan(edit, context);
    const viewBytesMax = this.#checkSize(edit);
    if (plan.operations.length === 0) return { changed: false };
    const containers = plan.containers.map((path) => this.#shared.containerChange(path).chunk);
    if (containers.length > 0) this.#document.append(containers);
    const change = this.#document.perform(plan.operations, context.timeSeconds);
    if (change.length > limits.CHANGE_BYTES_MAX) {
      throw new DocumentError(`the change has ${change.length} bytes`);
    }
    if (this.#conflicts !== 0) this.#conflicts = undefined;
    this.#viewBytesMax = viewBytesMax;
    return { changed: true, hash: hashOfChunk(change), change, containers };
  }

  /**
   * Changes from elsewhere and the containers they carry, verified by `parseChangeChunk` and
   * `isContainerChange`, parents known or earlier in the list. Throws `DocumentError`.
   */
  append(chunks: readonly Uint8Array[]): void {
    if (chunks.length === 0) return;
    if (this.#conflicts === 0 && !this.#isSuccession(chunks)) this.#conflicts = undefined;
    else if (this.#conflicts !== 0) this.#conflicts = undefined;
    this.#viewBytesMax = undefined;
    this.#document.append(chunks);
  }

  /** Sorted. */
  heads(): ChangeHash[] {
    return this.#document.heads();
  }

  render(): RenderedProfile {
    const meta = this.#document.meta;
    const id = storedScalar(storedAt(meta, "id"));
    const tenant = storedScalar(storedAt(meta, "tenant"));
    const json = canonicalJson(this.#show());
    this.#viewBytesMax = Buffer.byteLength(json, "utf8");
    return {
      profileId: typeof id === "string" ? parseProfileId(id) : this.#identity?.id,
      tenant: typeof tenant === "string" ? (tenant as Tenant) : this.#tenantUnsaid(id),
      deleted: this.#isDeleted,
      json,
      conflicts: this.#countConflicts(),
    };
  }

  /** Verified: loading it gives the same heads. */
  save(): Uint8Array {
    return this.#document.save();
  }

  /** What the document holds but for the genesis and container changes; parents before children. */
  changeHashes(): ChangeHash[] {
    return this.#document
      .history()
      .filter((change) => !this.#shared.isUncounted(change.hash, change.message))
      .map((change) => change.hash);
  }

  /** Whether this change is in the document, at its heads or below. */
  holds(change: ChangeHash): boolean {
    return this.#document.hasChange(change);
  }

  /** Every change as a chunk, the genesis and containers too; parents before children. */
  changes(): Uint8Array[] {
    return this.#document.changes();
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
    return typeof storedAt(this.#document.meta, "deletedAt") === "number";
  }

  #plan(edit: ProfileEdit, context: EditContext): Plan {
    const content = this.#planContent(edit);
    const at = ["meta"];
    const operations: Operation[] = [];
    if (storedAt(this.#document.meta, "id") === undefined) {
      const { id, tenant } = context.identity;
      operations.push({ kind: "put", at, key: "id", value: id });
      if (tenant !== DEFAULT_TENANT) {
        operations.push({ kind: "put", at, key: "tenant", value: tenant });
      }
    }
    if (edit.kind === "delete" && !this.#isDeleted) {
      operations.push({ kind: "put", at, key: "deletedAt", value: context.deletedAtMs });
    } else if (edit.kind === "put" && this.#isDeleted) {
      operations.push({ kind: "remove", at, key: "deletedAt" });
    }
    return { containers: content.containers, operations: [...operations, ...content.operations] };
  }

  #planContent(edit: ProfileEdit): Plan {
    const profile = this.#document.profile;
    switch (edit.kind) {
      case "put":
        refuseFaults(edit.value);
        return planPut(profile, this.#root, edit.value);
      case "merge-patch":
        refuseFaults(edit.patch);
        return planMergePatch(profile, this.#root, edit.patch);
      case "increment":
        return planIncrement(profile, this.#root, edit);
      case "delete":
        return { operations: [], containers: [] };
    }
  }

  /** What the view may measure after the edit, as far as that is known without doing it. */
  #checkSize(edit: ProfileEdit): number | undefined {
    switch (edit.kind) {
      case "put":
        refuseSize(canonicalBytes(edit.value));
        return undefined;
      case "merge-patch": {
        const bytes = this.#viewBytesMax ?? canonicalBytes(this.#show());
        const grown = bytes + canonicalBytes(edit.patch);
        if (grown <= limits.PROFILE_BYTES_MAX) return grown;
        const view = this.#show();
        const exact = canonicalBytes(mergeObject(view, edit.patch));
        // A profile that grew too large by merging may still be made smaller.
        if (exact > canonicalBytes(view)) refuseSize(exact);
        return exact;
      }
      case "increment":
      case "delete":
        return undefined;
    }
  }

  #show(): JsonObject {
    return showProfile(this.#document.profile, this.#root);
  }

  #countConflicts(): number {
    this.#conflicts ??= this.#isOneLine()
      ? 0
      : countConflicts(this.#document.profile, this.#root, (map, key) =>
          this.#document.conflictsAt(map, key),
        );
    return this.#conflicts;
  }

  /** A short history in which every change knew of the one before it has no conflicts. */
  #isOneLine(): boolean {
    if (this.#document.size().changes > limits.HISTORY_SEARCHED_MAX) return false;
    let previous: string | undefined;
    for (const { hash, deps, message } of this.#document.history()) {
      if (message !== undefined) continue; // edits have none: the genesis or a container
      if (previous !== undefined && !deps.some((dep) => toHex(dep) === previous)) return false;
      previous = toHex(hash);
    }
    return true;
  }

  /** True when these changes, one after the other, knew all that is here: nothing is concurrent. */
  #isSuccession(chunks: readonly Uint8Array[]): boolean {
    let heads = this.#document.heads().map(toHex);
    for (const chunk of chunks) {
      const change = parseChangeChunk(chunk);
      if (change.kind === "fault") return false;
      if (change.message !== "") continue;
      const known = new Set(change.deps.map(toHex));
      if (!heads.every((head) => known.has(head))) return false;
      heads = [toHex(change.hash)];
    }
    return true;
  }
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

/** The name that Automerge gives a change. */
export function hashOfChunk(chunk: Uint8Array): ChangeHash {
  return mustChangeHash(digest("sha256", chunk.subarray(8), "buffer"));
}
