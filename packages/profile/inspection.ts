/**
 * A profile's past and its writers: what history, time travel, conflicts and explanations are made of.
 *
 *     versions     the profile at any set of changes that this document has
 *     history      its changes, newest first, in an order that is the same in every region
 *     conflicts    where concurrent writes left more than the winner
 *     explanation  of one place: the value, who wrote it, what lost, and the rule that decided
 *
 * The order is that of the largest operation number, then of the hash: a child's number is larger than
 * its parents', so no change comes before one that it knew of, and a page that was read does not change
 * when older changes arrive later.
 */
import { toHex } from "@atoll/core";
import type { ChangeHash } from "@atoll/core";
import { canonicalJson } from "./canonical.ts";
import type { ProfileConflict } from "./conflict-list.ts";
import { listConflicts } from "./conflict-list.ts";
import type { ChangeMeta } from "./document-record.ts";
import type { AutomergeDocument } from "./document.ts";
import type { Explanation } from "./explanation.ts";
import { explain } from "./explanation.ts";
import type { SchemaNode } from "./schema.ts";
import { storedAt } from "./stored.ts";
import { showProfile } from "./view.ts";

export interface VersionView {
  /** Canonical JSON. */
  readonly json: string;
  readonly deleted: boolean;
  /** False before the first edit: there is no profile yet. */
  readonly exists: boolean;
}

export class Inspection {
  readonly #document: AutomergeDocument;
  readonly #root: SchemaNode;
  readonly #isUncounted: (hash: ChangeHash, message: string | undefined) => boolean;
  #metas: ChangeMeta[] | undefined;
  #byActor: Map<string, ChangeMeta[]> | undefined;

  constructor(
    document: AutomergeDocument,
    shared: {
      readonly root: SchemaNode;
      isUncounted(hash: ChangeHash, message: string | undefined): boolean;
    },
  ) {
    this.#document = document;
    this.#root = shared.root;
    this.#isUncounted = (hash, message) => shared.isUncounted(hash, message);
  }

  heads(): ChangeHash[] {
    return this.#document.heads();
  }

  has(hash: ChangeHash): boolean {
    return this.#document.record.hasChange(hash);
  }

  at(heads: readonly ChangeHash[]): VersionView {
    const { profile, meta } = this.#document.viewAt(heads);
    return {
      json: canonicalJson(showProfile(profile, this.#root)),
      deleted: typeof storedAt(meta, "deletedAt") === "number",
      exists: storedAt(meta, "id") !== undefined,
    };
  }

  /** All edits, newest first: neither the genesis nor what makes containers. */
  history(): readonly ChangeMeta[] {
    this.#metas ??= this.#document.record
      .changeMetas()
      .filter(({ hash, message }) => !this.#isUncounted(hash, message))
      .sort((a, b) => b.maxOp - a.maxOp || (toHex(a.hash) < toHex(b.hash) ? 1 : -1));
    return this.#metas;
  }

  /**
   * The heads of what a moment knew: the changes that are accepted and whose parents all are. Empty when
   * there was nothing yet.
   */
  headsWhere(isAccepted: (change: ChangeMeta) => boolean): ChangeHash[] {
    const edits = [...this.history()].reverse();
    const known = new Set(edits.map(({ hash }) => toHex(hash)));
    const included = new Map<string, ChangeHash>();
    const covered = new Set<string>();
    for (const change of edits) {
      const parents = change.deps.map(toHex).filter((dep) => known.has(dep));
      if (!isAccepted(change) || !parents.every((dep) => included.has(dep))) continue;
      included.set(toHex(change.hash), change.hash);
      for (const dep of parents) covered.add(dep);
    }
    return [...included].filter(([hex]) => !covered.has(hex)).map(([, hash]) => hash);
  }

  /** What these heads and all before them are: for whoever needs to know who had written by then. */
  changesOf(heads: readonly ChangeHash[]): readonly ChangeMeta[] {
    const wanted = new Set(heads.map(toHex));
    return this.history().filter((change) => {
      if (!wanted.has(toHex(change.hash))) return false;
      for (const dep of change.deps) wanted.add(toHex(dep));
      return true;
    });
  }

  conflicts(): ProfileConflict[] {
    return listConflicts(this.#document, this.#root);
  }

  /** Undefined when nothing is at the pointer. */
  explain(pointer: string): Explanation | undefined {
    return explain(this.#document, this.#root, pointer);
  }

  /** The change that an operation belongs to; undefined for the genesis and containers. */
  changeOf(opId: string): ChangeMeta | undefined {
    const [counter, actor = ""] = opId.split("@");
    const number = Number(counter);
    this.#byActor ??= Map.groupBy(this.history(), (change) => change.actor);
    return this.#byActor
      .get(actor)
      ?.find((change) => change.startOp <= number && number <= change.maxOp);
  }

  /** A whole Automerge document, verified. */
  save(): Uint8Array {
    return this.#document.save();
  }

  /** Changes that these heads do not have, the genesis and containers too; parents before children. */
  changesSince(heads: readonly ChangeHash[]): Uint8Array[] {
    return this.#document.record.changesSince(heads);
  }
}
