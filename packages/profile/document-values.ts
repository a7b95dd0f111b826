/**
 * The values of an open document, where they lie, and what has changed since somebody asked.
 *
 * Plans, patches and plain changes from elsewhere are done to the tree here as they are done to the document.
 * What does not fit makes all of it be asked for again. The names of maps, lists and texts, which Automerge
 * wants instead of paths, are remembered until something else may lie in their place.
 */
import { limits } from "@atoll/core";
import { isWritable } from "./change-writer.ts";
import type { OperationId, ScalarDeed, ScalarRow } from "./change-writer.ts";
import { areNewItems } from "./new-items.ts";
import type { Operation, StoredPath } from "./operations.ts";
import type { NewItems, PlainEdit } from "./plain-line.ts";
import type { StoredMap } from "./stored.ts";
import { storedAt, storedCounter, storedMap, storedScalar } from "./stored.ts";
import type { TreeMap, TreePatch, TreeValues } from "./stored-tree.ts";
import { isContainer, patchTree, performOnTree, treeAt } from "./stored-tree.ts";

/** What only Automerge knows. */
export interface ValueSource {
  /** The value that wins in a map or list, by its type and what Automerge has for it: a name, of a container. */
  winner(object: OperationId, part: string | number): readonly unknown[] | undefined;
  /** That, as it lies in the tree. */
  valueOf(type: string, found: unknown): unknown;
  /** All of it. */
  tree(): TreeMap;
}

const ROOT_ID = "_root";

export class DocumentValues {
  readonly #source: ValueSource;
  readonly #plain: TreeValues;
  #tree: TreeMap;
  /** Names of maps, lists and texts in the document, by path; none of what lies below a list. */
  readonly #idByPath = new Map<string, OperationId>();
  /** The same of maps, the other way round; undefined: not looked for since they changed. */
  #mapById: Map<OperationId, readonly string[]> | undefined;
  /** Members of `profile` that may have changed since somebody asked; undefined: any. */
  #touched: Set<string> | undefined;

  /** `tree` is nobody else's; `plain`: how JSON lies in it. */
  constructor(tree: TreeMap, plain: TreeValues, source: ValueSource) {
    this.#tree = tree;
    this.#plain = plain;
    this.#source = source;
  }

  get tree(): Readonly<TreeMap> {
    return this.#tree;
  }

  /** One of its two maps. */
  map(name: "profile" | "meta"): StoredMap {
    return storedMap(this.#tree[name]) ?? {};
  }

  /** Keys of `profile` under which anything may have changed since this was last called; undefined: under any. */
  takeTouched(): ReadonlySet<string> | undefined {
    const touched = this.#touched;
    this.#touched = new Set();
    return touched;
  }

  /** What has been done to the document. */
  perform(operations: readonly Operation[]): void {
    for (const operation of operations) {
      const at = [...operation.at, "key" in operation ? operation.key : operation.index];
      this.#touch(at);
      if (operation.kind === "put") this.#forgetIds(at, operation.value);
      else if (operation.kind === "remove") this.#forgetIds(at);
      if (!performOnTree(this.#tree, operation, this.#plain)) return this.#askForAll();
    }
  }

  /** What Automerge says has changed. */
  patch(patches: readonly TreePatch[]): void {
    for (const patch of patches) {
      this.#touch(patch.path);
      if (patch.action === "put") this.#forgetIds(patch.path, patch.value);
      else if (patch.action === "del") this.#forgetIds(patch.path);
      if (!patchTree(this.#tree, patch, this.#plain)) return this.#askForAll();
    }
    for (const patch of patches) {
      if (patch.action === "conflict" && !this.#askForMember(patch.path)) return this.#askForAll();
    }
  }

  /** The name of a map, list or text; undefined where there is none. */
  findId(path: StoredPath): OperationId | undefined {
    let id = ROOT_ID;
    let known: string | undefined = ""; // nothing below a list keeps its place
    for (const part of path) {
      known = known === undefined || typeof part === "number" ? undefined : `${known}\0${part}`;
      const cached = known === undefined ? undefined : this.#idByPath.get(known);
      const child = cached ?? this.#childId(id, part);
      if (child === undefined) return undefined;
      id = child;
      if (known !== undefined && cached === undefined) this.#idByPath.set(known, id);
    }
    return id;
  }

  /**
   * An operation that changes one scalar, counter, or nothing into another, or puts something at the head of a
   * list or text; undefined for any other.
   */
  plainEdit(operation: Operation): PlainEdit | undefined {
    if (operation.kind === "splice" || operation.kind === "text") return this.#newItems(operation);
    const deed = deedOf(operation);
    if (deed === undefined || !("key" in operation)) return undefined;
    const { at, key } = operation;
    const before = storedAt(storedMap(treeAt(this.#tree, at)) ?? {}, key);
    if (!fits(deed, before)) return undefined;
    const isSo = deed.action === "put" && Object.is(storedScalar(before), deed.value);
    const object = isSo ? undefined : this.findId(at);
    return object === undefined ? undefined : { ...deed, object, key };
  }

  #newItems(operation: Operation & { readonly kind: "splice" | "text" }): NewItems | undefined {
    const { kind, at, index, removed, inserted } = operation;
    if (index > 0 || removed > 0) return undefined;
    const path = kind === "text" ? [...at, operation.key] : at;
    const target = treeAt(this.#tree, path);
    if (kind === "text" ? typeof target !== "string" : !Array.isArray(target)) return undefined;
    const items = typeof inserted === "string" ? Array.from(inserted) : inserted; // by code points
    const object = areNewItems(items) ? this.findId(path) : undefined;
    return object === undefined ? undefined : { action: "insert", object, items };
  }

  /** What a row of a change does here; undefined where that is not one scalar, counter, or nothing for another. */
  operationOf(row: ScalarRow): Operation | undefined {
    const { object, key } = row;
    const at = this.#mapAt(object);
    const map = at && storedMap(treeAt(this.#tree, at));
    if (at === undefined || map === undefined || !fits(row, storedAt(map, key))) return undefined;
    switch (row.action) {
      case "put":
        return { kind: "put", at, key, value: row.value };
      case "remove":
        return { kind: "remove", at, key };
      case "add":
        return { kind: "add", at, key, by: row.by };
    }
  }

  /** Where the map lies that this operation made; undefined for one that is not shown, or lies too far down. */
  #mapAt(object: OperationId): readonly string[] | undefined {
    this.#mapById ??= this.#findMaps();
    return this.#mapById.get(object);
  }

  #findMaps(): Map<OperationId, readonly string[]> {
    const found = new Map<OperationId, readonly string[]>();
    const next: (readonly string[])[] = [["profile"], ["meta"]];
    for (let at = next.shift(); at !== undefined; at = next.shift()) {
      const id = this.findId(at);
      if (id !== undefined) found.set(id, at);
      if (found.size >= limits.MAPS_FOLLOWED_MAX) break;
      const map = storedMap(treeAt(this.#tree, at)) ?? {};
      for (const key of Object.keys(map)) {
        if (storedMap(map[key]) !== undefined) next.push([...at, key]);
      }
    }
    return found;
  }

  #childId(id: OperationId, part: string | number): OperationId | undefined {
    const [type, name] = this.#source.winner(id, part) ?? [];
    return type === "map" || type === "list" || type === "text" ? String(name) : undefined;
  }

  /**
   * Where a conflict has come, Automerge 3.5.0 does not always say that another value wins: one before it may have gone in
   * the same delivery. So the member is asked for. False when there is no such member.
   */
  #askForMember([part, key]: StoredPath): boolean {
    if (typeof part !== "string" || typeof key !== "string") return false;
    const id = this.findId([part]);
    const [type, found] = (id === undefined ? undefined : this.#source.winner(id, key)) ?? [];
    if (typeof type !== "string") return false;
    const [path, value] = [[part, key], this.#source.valueOf(type, found)] as const;
    this.#forgetIds(path, value);
    return patchTree(this.#tree, { action: "put", path, value }, this.#plain);
  }

  /** A container in whose place there is something else has another name, or none. */
  #forgetIds(path: StoredPath, value?: unknown): void {
    const isOne = typeof value === "object" && isContainer(value);
    if (isOne || isContainer(treeAt(this.#tree, path))) this.#forgetAllIds();
  }

  #forgetAllIds(): void {
    this.#idByPath.clear();
    this.#mapById = undefined;
  }

  #askForAll(): void {
    this.#tree = this.#source.tree();
    this.#forgetAllIds();
    this.#touched = undefined;
  }

  #touch(path: StoredPath): void {
    if (path[0] !== "profile") return;
    const key = path[1];
    if (typeof key === "string") this.#touched?.add(key);
    else this.#touched = undefined;
  }
}

function deedOf(operation: Operation): ScalarDeed | undefined {
  switch (operation.kind) {
    case "put":
      return isWritable(operation.value) ? { action: "put", value: operation.value } : undefined;
    case "remove":
      return { action: "remove" };
    case "add":
      return Number.isSafeInteger(operation.by) ? { action: "add", by: operation.by } : undefined;
    default:
      return undefined;
  }
}

/** Counters count; anything else is done to a scalar, or where nothing is. */
function fits({ action }: ScalarDeed, before: unknown): boolean {
  if (action === "add") return storedCounter(before) !== undefined;
  return before === undefined || storedScalar(before) !== undefined;
}
