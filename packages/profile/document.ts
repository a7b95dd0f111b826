/**
 * The only file that knows Automerge: documents as bytes, plain values and operations.
 *
 * Four habits of the library cost whoever forgets them, and are kept here once:
 *   - actor and time are always passed, or two runs of one history differ;
 *   - wasm memory is not collected, so a document is freed by hand;
 *   - a document that threw may be half changed: `DocumentError` means free it and open it again;
 *   - changes whose parents are missing are queued without a word, so every append is checked.
 *
 * Automerge does not verify what it applies: chunks from elsewhere pass `parseChangeChunk` first.
 */
import { hash as digest } from "node:crypto";
import * as A from "@automerge/automerge";
import {
  InvariantError,
  assert,
  errorText,
  fromHex,
  limits,
  mustChangeHash,
  toHex,
} from "@atoll/core";
import type { ChangeHash } from "@atoll/core";
import type { JsonValue } from "./json.ts";
import { isJsonArray } from "./json.ts";
import type { Operation, StoredPath } from "./operations.ts";
import type { SchemaNode } from "./schema.ts";
import { markKey, naturalKey } from "./slots.ts";
import type { SlotKind } from "./slots.ts";
import type { StoredMap } from "./stored.ts";
import { storedMap } from "./stored.ts";

/** The document cannot be trusted any more, or never could: free it, open it from its bytes. */
export class DocumentError extends Error {
  override readonly name = "DocumentError";
}

/** What Automerge remembers of a change besides its operations. */
export interface ChangeRecord {
  readonly hash: ChangeHash;
  readonly deps: readonly ChangeHash[];
  readonly message: string | undefined;
}

/** Its two maps: of the document as it is, or as it was. */
export interface DocumentView {
  readonly profile: StoredMap;
  readonly meta: StoredMap;
}

/** A change as the graph of changes knows it. */
export interface ChangeMeta extends ChangeRecord {
  /** 16 bytes, hexadecimal. */
  readonly actor: string;
  readonly seq: number;
  /** Its operations are numbered from here … */
  readonly startOp: number;
  /** … to here: larger than in any change that it knew of. */
  readonly maxOp: number;
  readonly timeSeconds: number;
}

/** A value and the name of the operation that wrote it: "counter@actor". */
export interface WrittenValue {
  readonly opId: string;
  /** As stored: see `stored.ts`. */
  readonly value: unknown;
}

interface Root {
  profile?: unknown;
  meta?: unknown;
}

/** Inside `A.change`: maps and lists that write through. */
type MapProxy = Record<string, unknown>;
interface ListProxy {
  deleteAt(index: number, count: number): void;
  insertAt(index: number, ...values: unknown[]): void;
}

const GENESIS_ACTOR = "00".repeat(16);

/** Owns wasm memory until `free`. Every method but `free` may throw `DocumentError`. */
export class AutomergeDocument {
  #doc: A.Doc<Root>;
  #isFreed = false;

  private constructor(doc: A.Doc<Root>) {
    this.#doc = doc;
  }

  /** A document with all containers of the genesis, made by one change that is always the same. */
  static genesis(root: SchemaNode, message: string): AutomergeDocument {
    const empty = A.init<Root>({ actor: GENESIS_ACTOR });
    const doc = A.change(empty, { time: 0, message }, (draft) => {
      draft.meta = {};
      draft.profile = emptyContainer(root);
    });
    return new AutomergeDocument(doc);
  }

  static load(bytes: Uint8Array, actor: Uint8Array): AutomergeDocument {
    return guard("does not load", () => {
      const document = new AutomergeDocument(A.load<Root>(bytes, { actor: toHex(actor) }));
      try {
        const { profile, meta } = document.#doc;
        if (storedMap(profile) === undefined || storedMap(meta) === undefined) {
          throw new DocumentError("the document has no profile");
        }
        document.#refuseMissingParents();
        return document;
      } catch (error) {
        document.free();
        throw error;
      }
    });
  }

  /** A copy with memory of its own, that writes as another actor. */
  fork(actor: Uint8Array): AutomergeDocument {
    return guard("does not fork", () => {
      return new AutomergeDocument(A.clone(this.#live(), { actor: toHex(actor) }));
    });
  }

  get profile(): StoredMap {
    return storedMap(this.#live().profile) ?? {};
  }

  get meta(): StoredMap {
    return storedMap(this.#live().meta) ?? {};
  }

  /** Changes whose parents are here or earlier in the list; applying one twice is harmless. */
  append(chunks: readonly Uint8Array[]): void {
    guard("does not apply", () => {
      [this.#doc] = A.applyChanges(this.#live(), [...chunks]);
      this.#refuseMissingParents();
    });
  }

  /** Does all operations in one change; returns its chunk, uncompressed. */
  perform(operations: readonly Operation[], timeSeconds: number): Uint8Array {
    assert(operations.length > 0, "a change has operations");
    return guard("does not change", () => {
      const before = this.#live();
      this.#doc = A.change(before, { time: timeSeconds }, (draft) => execute(draft, operations));
      return this.#lastChange(before);
    });
  }

  /**
   * The same at a version that this document has, as if nothing else were here; the change merges. A
   * writer's changes follow one another, so one that does not know of ours is written by another actor,
   * which is made of ours: as many as there are concurrent edits, not one for each.
   */
  performAt(
    base: readonly ChangeHash[],
    operations: readonly Operation[],
    timeSeconds: number,
  ): Uint8Array {
    return guard("does not change at a version", () => {
      const heads = base.map(toHex);
      const since = new Set(A.getChangesMetaSince(this.#live(), heads).map(({ actor }) => actor));
      const own = A.getActorId(this.#live());
      let actor = own;
      for (let level = 1; since.has(actor); level++) actor = actorBeside(own, level);
      // Not `changeAt`: 3.5.0 throws "cannot insert into a map" where lists and maps took turns.
      const backend = A.getBackend(this.#live()).fork(undefined, heads);
      const past = A.load<Root>(backend.save(), { actor });
      backend.free();
      const changed = A.change(past, { time: timeSeconds }, (draft) => execute(draft, operations));
      const chunk = changed === past ? undefined : A.getLastLocalChange(changed);
      A.free(changed);
      if (chunk === undefined) throw new DocumentError("operations changed nothing");
      this.append([chunk]);
      return chunk;
    });
  }

  /** The document at a version that it has. */
  viewAt(heads: readonly ChangeHash[]): DocumentView {
    return guard("has no such version", () => {
      const { profile, meta } = A.view(this.#live(), heads.map(toHex));
      return { profile: storedMap(profile) ?? {}, meta: storedMap(meta) ?? {} };
    });
  }

  /** How Automerge makes a container: what `containerChunk` is compared with. */
  makeContainer(path: readonly string[], kind: SlotKind, message: string): Uint8Array {
    return guard("does not take a container", () => {
      const before = this.#live();
      this.#doc = A.change(before, { time: 0, message }, (draft) => {
        const parent = proxyAt(draft as MapProxy, ["profile", ...path.slice(0, -1)]) as MapProxy;
        const node: SchemaNode = { kind, inGenesis: false, members: new Map() };
        parent[path.at(-1) as string] = emptyContainer(node);
      });
      return this.#lastChange(before);
    });
  }

  /** The chunk of the newest change that this document's own actor made. */
  lastChange(): Uint8Array {
    const chunk = guard("has no change", () => A.getLastLocalChange(this.#live()));
    if (chunk === undefined) throw new DocumentError("the change is not there");
    return chunk;
  }

  /** Sorted. */
  heads(): ChangeHash[] {
    return guard("has no heads", () => A.getHeads(this.#live()).map(hashFromHex));
  }

  hasChange(hash: Uint8Array): boolean {
    return guard("cannot look up a change", () => A.hasHeads(this.#live(), [toHex(hash)]));
  }

  /** "counter@actor" of the operation that made a map or list. */
  objectId(at: StoredPath): string {
    const id = A.getObjectId(proxyAt(this.#live(), at));
    assert(id !== null, "the place exists");
    return id;
  }

  size(): { readonly changes: number; readonly operations: number } {
    const { numChanges, numOps } = guard("has no size", () => A.stats(this.#live()));
    return { changes: numChanges, operations: numOps };
  }

  /** Parents before children. */
  history(): ChangeRecord[] {
    return guard("has no history", () =>
      A.getChangesMetaSince(this.#live(), []).map((meta) => ({
        hash: hashFromHex(meta.hash),
        deps: meta.deps.map(hashFromHex),
        message: meta.message ?? undefined,
      })),
    );
  }

  /** The same with who, when and where in the order of operations. */
  changeMetas(): ChangeMeta[] {
    return guard("has no history", () =>
      A.getChangesMetaSince(this.#live(), []).map((meta) => ({
        hash: hashFromHex(meta.hash),
        deps: meta.deps.map(hashFromHex),
        message: meta.message ?? undefined,
        actor: meta.actor,
        seq: meta.seq,
        startOp: meta.startOp,
        maxOp: meta.maxOp,
        timeSeconds: meta.time,
      })),
    );
  }

  /** Changes that a version does not have, as chunks; parents before children. */
  changesSince(heads: readonly ChangeHash[]): Uint8Array[] {
    return guard("does not give its changes", () =>
      A.getChangesSince(this.#live(), heads.map(toHex)),
    );
  }

  /** All values under a key of a map or at an index of a list, with who wrote them; the winner last. */
  values(at: StoredPath, key: string | number): WrittenValue[] {
    return guard("cannot list values", () => {
      const doc = this.#live();
      const holder = holderAt(doc, at);
      const object = holder === undefined ? null : A.getObjectId(holder);
      if (object === null) return []; // an edit that is being planned may be ahead of us
      const conflicts = A.getConflicts(holder as StoredMap, key);
      const shown = (holder as Record<string | number, unknown>)[key];
      return A.getBackend(doc)
        .getAll(object, key)
        .map((found) => {
          const opId = String(found.at(-1));
          return { opId, value: conflicts === undefined ? shown : conflicts[opId] };
        });
    });
  }

  /** Who wrote each character of a text, in UTF-16 code units; empty for what is no text. */
  textWriters(at: StoredPath, key: string): string[] {
    return guard("cannot list a text's writers", () => {
      const doc = this.#live();
      const backend = A.getBackend(doc);
      const holder = A.getObjectId(proxyAt(doc, at));
      const found = holder === null ? undefined : backend.getAll(holder, key).at(-1);
      if (found?.[0] !== "text") return [];
      const text = String(found[1]);
      const length = Math.min(backend.length(text), limits.EXPLAINED_TEXT_UNITS_MAX);
      return Array.from({ length }, (_, i) => String(backend.getAll(text, i).at(-1)?.at(-1)));
    });
  }

  /** The name of the operation that made a container; of its mark, where it is shown by that alone. */
  containerId(at: StoredPath): string {
    return guard("cannot name a container", () => {
      const doc = this.#live();
      const parent = holderAt(doc, at.slice(0, -1));
      const holder = parent === undefined ? null : A.getObjectId(parent);
      if (holder === null) return "";
      const key = String(at.at(-1));
      const backend = A.getBackend(doc);
      const found =
        backend.getAll(holder, key).at(-1) ?? backend.getAll(holder, markKey(key)).at(-1);
      return String(found?.at(-1));
    });
  }

  /** The same as chunks, which may be compressed. */
  changes(): Uint8Array[] {
    return guard("does not give its changes", () => A.getAllChanges(this.#live()));
  }

  /** All values that concurrent writes left under a key of a map of this document. */
  conflictsAt(map: StoredMap, key: string): readonly unknown[] | undefined {
    const conflicts = guard("cannot list conflicts", () => A.getConflicts(map, key));
    return conflicts === undefined ? undefined : Object.values(conflicts);
  }

  /** Saved bytes that were loaded again and gave the same heads: Automerge had bugs here. */
  save(): Uint8Array {
    return guard("does not save", () => {
      const doc = this.#live();
      const bytes = A.save(doc);
      const reloaded = A.load<Root>(bytes, { actor: GENESIS_ACTOR });
      const isSame = A.getHeads(reloaded).join() === A.getHeads(doc).join();
      A.free(reloaded);
      if (!isSame) throw new DocumentError("saved bytes load with other heads");
      return bytes;
    });
  }

  /** Idempotent. */
  free(): void {
    if (this.#isFreed) return;
    this.#isFreed = true;
    A.free(this.#doc);
  }

  #live(): A.Doc<Root> {
    assert(!this.#isFreed, "a freed document is not used");
    return this.#doc;
  }

  /** A change without its parents waits unseen, in no head and no saved byte. */
  #refuseMissingParents(): void {
    const missing = A.getMissingDeps(this.#live(), []);
    if (missing.length > 0) throw new DocumentError(`missing parents: ${missing.join(", ")}`);
  }

  #lastChange(before: A.Doc<Root>): Uint8Array {
    if (this.#doc === before) throw new DocumentError("operations changed nothing");
    return this.lastChange();
  }
}

function guard<T>(what: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof DocumentError || error instanceof InvariantError) throw error;
    throw new DocumentError(`the document ${what}: ${errorText(error)}`, { cause: error });
  }
}

/** Of the same origin, by which regions are told apart: see `replica/identity.ts`. */
function actorBeside(actor: string, level: number): string {
  const origin = actor.slice(0, actor.length / 2);
  return origin + digest("sha256", `atoll beside ${level} ${actor}`, "hex").slice(0, origin.length);
}

function hashFromHex(hex: string): ChangeHash {
  return mustChangeHash(fromHex(hex));
}

/** An empty container with all that the genesis makes inside it. A bare string is text. */
function emptyContainer(node: SchemaNode): unknown {
  switch (node.kind) {
    case "map": {
      const map: MapProxy = {};
      for (const [name, child] of node.members) {
        if (child.inGenesis) map[naturalKey(name)] = emptyContainer(child);
      }
      return map;
    }
    case "set":
      return {};
    case "list":
      return [];
    case "text":
      return "";
    case "counter":
      return new A.Counter(0);
    case "register":
      return null;
  }
}

function execute(draft: Root, operations: readonly Operation[]): void {
  // Operations on one place share its path by identity; so each place is looked up once.
  const proxies = new Map<StoredPath, unknown>();
  for (const operation of operations) {
    let target = proxies.get(operation.at);
    if (target === undefined) {
      proxies.set(operation.at, (target = proxyAt(draft as MapProxy, operation.at)));
    }
    if (operation.kind === "splice") {
      const list = target as ListProxy;
      const { index, removed, inserted } = operation;
      if (removed > 0) list.deleteAt(index, removed);
      if (inserted.length > 0) list.insertAt(index, ...inserted.map(toStored));
      continue;
    }
    const map = target as MapProxy;
    switch (operation.kind) {
      case "put":
        map[operation.key] = toStored(operation.value);
        break;
      case "remove":
        delete map[operation.key];
        break;
      case "add":
        (map[operation.key] as A.Counter).increment(operation.by);
        break;
      case "text": {
        const { key, index, removed, inserted } = operation;
        A.splice(map, [key], index, removed, inserted);
        break;
      }
    }
  }
}

function proxyAt(draft: MapProxy, at: StoredPath): unknown {
  let proxy: unknown = draft;
  for (const key of at) proxy = (proxy as Record<string | number, unknown>)[key];
  return proxy;
}

/** The same for a path that may lead nowhere. */
function holderAt(doc: MapProxy, at: StoredPath): object | undefined {
  let holder: unknown = doc;
  for (const key of at) {
    if (typeof holder !== "object" || holder === null) return undefined;
    holder = (holder as Record<string | number, unknown>)[key];
  }
  return typeof holder === "object" && holder !== null ? holder : undefined;
}

/** Strings become registers: a bare string would be text, one operation per character. */
function toStored(value: JsonValue): unknown {
  if (typeof value === "string") return new A.ImmutableString(value);
  if (typeof value !== "object" || value === null) return value;
  if (isJsonArray(value)) return value.map(toStored);
  const map: MapProxy = {};
  for (const name of Object.keys(value).sort()) map[name] = toStored(value[name] as JsonValue);
  return map;
}
