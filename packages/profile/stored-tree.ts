/**
 * The stored values of an open document as plain maps and lists, kept up by what changes.
 *
 * Asking Automerge for a whole document crosses into its module once per value, which costs more than the
 * change that made it necessary. So the tree is asked for once, when a document is opened; afterwards a
 * local plan is done to it as it was done to the document, and what others changed comes as patches.
 *
 * Neither may guess: what does not fit the tree is answered with `false`, and whoever keeps the tree asks
 * for all of it again. `stored-tree.property.test.ts` holds tree and document against each other.
 */
import type { JsonValue } from "./json.ts";
import type { Operation, StoredPath } from "./operations.ts";
import { storedCounter, storedScalar } from "./stored.ts";

/** Maps and lists here are nobody else's, and are changed in place. */
export type TreeMap = Record<string, unknown>;

/** What Automerge says has changed, as far as its patches concern values. */
export type TreePatch =
  | { readonly action: "put"; readonly path: StoredPath; readonly value: unknown }
  | { readonly action: "insert"; readonly path: StoredPath; readonly values: readonly unknown[] }
  | { readonly action: "splice"; readonly path: StoredPath; readonly value: string }
  | { readonly action: "del"; readonly path: StoredPath; readonly length?: number }
  | { readonly action: "inc"; readonly path: StoredPath; readonly value: number }
  | { readonly action: "conflict" | "mark" | "unmark"; readonly path: StoredPath };

/** How plain JSON lies in a document. */
export interface TreeValues {
  fromJson(value: JsonValue): unknown;
  counter(value: number): unknown;
}

/** Copies maps and lists; what lies in them never changes. */
export function copyTree<T>(value: T): T {
  if (Array.isArray(value)) return value.map(copyTree) as T;
  if (!isMap(value)) return value;
  const copy: TreeMap = {};
  for (const key of Object.keys(value)) setOwn(copy, key, copyTree(value[key]));
  return copy as T;
}

/** A map, list or text: something that has parts, and a name of its own in the document. */
export function isContainer(value: unknown): boolean {
  return typeof value === "string" || Array.isArray(value) || isMap(value);
}

/** What lies at a path; undefined when nothing does. */
export function treeAt(root: TreeMap, path: StoredPath): unknown {
  let at: unknown = root;
  for (const key of path) at = childOf(at, key);
  return at;
}

/** False when the operation does not fit, after which the tree may be half changed. */
export function performOnTree(root: TreeMap, operation: Operation, values: TreeValues): boolean {
  const target = treeAt(root, operation.at);
  if (operation.kind === "splice") {
    if (!Array.isArray(target)) return false;
    const { index, removed, inserted } = operation;
    if (index + removed > target.length) return false;
    target.splice(index, removed, ...inserted.map((item) => values.fromJson(item)));
    return true;
  }
  if (!isMap(target)) return false;
  const { key } = operation;
  switch (operation.kind) {
    case "put":
      setOwn(target, key, values.fromJson(operation.value));
      return true;
    case "remove":
      return Reflect.deleteProperty(target, key);
    case "add":
      return count(target, key, operation.by, values);
    case "text":
      return spliceText(target, key, operation);
  }
}

/** False when the patch does not fit, after which the tree may be half changed. */
export function patchTree(root: TreeMap, patch: TreePatch, values: TreeValues): boolean {
  switch (patch.action) {
    case "conflict":
    case "mark":
    case "unmark":
      return true; // nothing that is shown
    default: {
      const parentPath = patch.path.slice(0, -1);
      const parent = treeAt(root, parentPath);
      const key = patch.path.at(-1);
      if (typeof parent === "string") return patchText(root, parentPath, patch);
      if (Array.isArray(parent) && typeof key === "number") return patchList(parent, key, patch);
      return isMap(parent) && typeof key === "string" && patchMap(parent, key, patch, values);
    }
  }
}

type ValuePatch = Exclude<TreePatch, { action: "conflict" | "mark" | "unmark" }>;

function patchMap(map: TreeMap, key: string, patch: ValuePatch, values: TreeValues): boolean {
  switch (patch.action) {
    case "put":
      setOwn(map, key, copyTree(patch.value));
      return true;
    case "del":
      return Reflect.deleteProperty(map, key);
    case "inc":
      return count(map, key, patch.value, values);
    default:
      return false;
  }
}

function patchList(list: unknown[], index: number, patch: ValuePatch): boolean {
  if (index > list.length) return false;
  switch (patch.action) {
    case "insert":
      list.splice(index, 0, ...patch.values.map(copyTree));
      return true;
    case "del":
      list.splice(index, patch.length ?? 1);
      return true;
    case "put":
      if (index === list.length) return false;
      list[index] = copyTree(patch.value);
      return true;
    default:
      return false; // a counter in a list is nothing of ours
  }
}

/** The position in a text is the last part of the path. */
function patchText(root: TreeMap, textPath: StoredPath, patch: ValuePatch): boolean {
  const holder = treeAt(root, textPath.slice(0, -1));
  const key = textPath.at(-1);
  const index = patch.path.at(-1);
  if (!isMap(holder) || typeof key !== "string" || typeof index !== "number") return false;
  switch (patch.action) {
    case "splice":
      return spliceText(holder, key, { index, removed: 0, inserted: patch.value });
    case "del":
      return spliceText(holder, key, { index, removed: patch.length ?? 1, inserted: "" });
    default:
      return false; // blocks in texts are nothing of ours
  }
}

function spliceText(
  map: TreeMap,
  key: string,
  splice: { readonly index: number; readonly removed: number; readonly inserted: string },
): boolean {
  const text = childOf(map, key);
  const { index, removed, inserted } = splice;
  if (typeof text !== "string" || index + removed > text.length) return false;
  map[key] = text.slice(0, index) + inserted + text.slice(index + removed);
  return true;
}

function count(map: TreeMap, key: string, by: number, values: TreeValues): boolean {
  const before = storedCounter(childOf(map, key));
  if (before === undefined || !isExact(before) || !isExact(before + by)) return false;
  map[key] = values.counter(before + by);
  return true;
}

/** Beyond, Automerge counts on in integers that are no numbers any more. */
function isExact(value: number): boolean {
  return Math.abs(value) < Number.MAX_SAFE_INTEGER;
}

function childOf(parent: unknown, key: string | number): unknown {
  if (Array.isArray(parent)) return typeof key === "number" ? (parent[key] as unknown) : undefined;
  return isMap(parent) && Object.hasOwn(parent, key) ? parent[key] : undefined;
}

function isMap(value: unknown): value is TreeMap {
  if (typeof value !== "object" || value === null) return false;
  return Object.getPrototypeOf(value) === Object.prototype;
}

/** Under any name: an assignment to `__proto__` would change the prototype. */
function setOwn(map: TreeMap, key: string, value: unknown): void {
  if (key !== "__proto__") {
    map[key] = value;
    return;
  }
  const descriptor = { value, enumerable: true, configurable: true, writable: true };
  Object.defineProperty(map, key, descriptor);
}

/** The same values in the same places; the order of keys does not count. */
export function sameTree(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, i) => sameTree(item, b[i]));
  }
  if (isMap(a) && isMap(b)) {
    const keys = Object.keys(a);
    return (
      keys.length === Object.keys(b).length &&
      keys.every((key) => Object.hasOwn(b, key) && sameTree(a[key], b[key]))
    );
  }
  return Object.is(a, b) || sameLeaf(a, b);
}

/** One number may come as a bigint and as a number; registers and counters are instances of classes. */
function sameLeaf(a: unknown, b: unknown): boolean {
  for (const read of [storedCounter, storedScalar]) {
    const value = read(a);
    if (value !== undefined) return value === read(b);
  }
  if (typeof a !== "object" || typeof b !== "object") return false;
  return JSON.stringify(a) === JSON.stringify(b); // bytes and dates, which are nothing of ours
}
