/**
 * The only file that knows Automerge: documents as bytes, plain values and operations.
 *
 * Six habits of the library cost whoever forgets them, and are kept here once:
 *   - actor and time are always passed, or two runs of one history differ;
 *   - wasm memory is not collected, so a document is freed by hand;
 *   - a document that threw may be half changed: `DocumentError` means free it and open it again;
 *   - changes whose parents are missing are queued without a word, so every append is checked;
 *   - every operation takes compressed columns apart, so a run of small edits is written as bytes beside the
 *     module and applied there when somebody needs it (`plain-line.ts`);
 *   - `change()` hands out proxies and makes the document anew around each change, at three times the
 *     price of the change itself. So the handle below it is used, and the values lie in a tree of our own.
 *
 * Automerge does not verify what it applies: chunks from elsewhere pass `parseChangeChunk` first.
 */
import { hash as digest } from "node:crypto";
import * as A from "@automerge/automerge";
import { assert, fromHex, limits, toHex } from "@atoll/core";
import type { ChangeHash } from "@atoll/core";
import { readScalarChange } from "./change-reader.ts";
import type { OperationId } from "./change-writer.ts";
import { unfoldingFault } from "./document-chunk.ts";
import { DocumentError, guard } from "./document-error.ts";
import { DocumentRecord, hashFromHex } from "./document-record.ts";
import { DocumentValues } from "./document-values.ts";
import { alteredChange } from "./given-back.ts";
import type { JsonValue } from "./json.ts";
import { isJsonArray } from "./json.ts";
import type { Operation, StoredPath } from "./operations.ts";
import type { SchemaNode } from "./schema.ts";
import { PlainLine } from "./plain-line.ts";
import type { PlainEdit } from "./plain-line.ts";
import { naturalKey } from "./slots.ts";
import type { SlotKind } from "./slots.ts";
import type { StoredMap } from "./stored.ts";
import { storedMap } from "./stored.ts";
import type { TreeMap, TreeValues } from "./stored-tree.ts";
import { copyTree, sameTree } from "./stored-tree.ts";

/** Its two maps: of the document as it is, or as it was. */
export interface DocumentView {
  readonly profile: StoredMap;
  readonly meta: StoredMap;
}

interface Root {
  profile?: unknown;
  meta?: unknown;
}

/** Inside `A.change`: a map that writes through. */
type MapProxy = Record<string, unknown>;

/** What lies below a document of the library. */
type Handle = ReturnType<typeof A.getBackend>;

const GENESIS_ACTOR = "00".repeat(16);

/** Owns wasm memory until `free`. Every method but `free` may throw `DocumentError`. */
export class AutomergeDocument {
  readonly #handle: Handle;
  readonly #line: PlainLine;
  readonly #values: DocumentValues;
  /** What it remembers of changes and writers. */
  readonly record: DocumentRecord;
  #isFreed = false;

  private constructor(handle: Handle, actor: string, tree: TreeMap) {
    this.#handle = handle;
    this.#line = new PlainLine(actor);
    this.#values = new DocumentValues(tree, treeValues, {
      winner: (object, part) => this.#known().getWithType(object, part) ?? undefined,
      valueOf: (type, found) => this.#valueOf(type, found),
      tree: () => this.#live().materialize("/") as TreeMap,
    });
    this.record = new DocumentRecord({
      module: () => this.#live(),
      findId: (path) => this.#values.findId(path),
      valueOf: (type, found) => this.#valueOf(type, found),
    });
    handle.updateDiffCursor(); // what is there is no news
  }

  /** A document with all containers of the genesis, made by one change that is always the same. */
  static genesis(root: SchemaNode, message: string): AutomergeDocument {
    const empty = A.init<Root>({ actor: GENESIS_ACTOR });
    return of(
      A.change(empty, { time: 0, message }, (draft) => {
        draft.meta = {};
        draft.profile = emptyContainer(root);
      }),
    );
    function of(doc: A.Doc<Root>): AutomergeDocument {
      return new AutomergeDocument(A.getBackend(doc), GENESIS_ACTOR, copyTree(plainRoot(doc)));
    }
  }

  static load(bytes: Uint8Array, actor: Uint8Array): AutomergeDocument {
    return guard("does not load", () => {
      const fault = unfoldingFault(bytes);
      if (fault !== undefined) throw new DocumentError(`the document does not load: ${fault}`);
      const writer = toHex(actor);
      const doc = A.load<Root>(bytes, { actor: writer });
      // Made for this call and kept by nobody: the library's own tree becomes ours.
      const document = new AutomergeDocument(A.getBackend(doc), writer, plainRoot(doc));
      try {
        const { profile, meta } = document.#values.tree;
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
      const writer = toHex(actor);
      return new AutomergeDocument(this.#live().fork(writer), writer, copyTree(this.#values.tree));
    });
  }

  get profile(): StoredMap {
    assert(!this.#isFreed, "a freed document is not used");
    return this.#values.map("profile");
  }

  get meta(): StoredMap {
    assert(!this.#isFreed, "a freed document is not used");
    return this.#values.map("meta");
  }

  /**
   * The keys of `profile` under which anything may have changed since this was last called; undefined:
   * under any.
   */
  takeTouched(): ReadonlySet<string> | undefined {
    return this.#values.takeTouched();
  }

  /**
   * Changes whose parents are here or earlier in the list; applying one twice is harmless. Returns those that
   * Automerge had to take: what is understood without it is known to be such that it can be saved.
   */
  append(chunks: readonly Uint8Array[]): readonly Uint8Array[] {
    return guard("does not apply", () => {
      let followed = 0;
      while (followed < chunks.length && this.#follow(chunks[followed])) followed++;
      const rest = chunks.slice(followed);
      if (rest.length > 0) this.appendInModule(rest);
      return rest;
    });
  }

  /** The same, applied by Automerge whatever they are: what is followed is compared with this. */
  appendInModule(chunks: readonly Uint8Array[]): void {
    guard("does not apply", () => {
      const handle = this.#live();
      this.#line.close();
      handle.applyChanges([...chunks]);
      this.#refuseMissingParents();
      this.#values.patch(handle.diffIncremental());
      for (const chunk of chunks) this.#line.learn(chunk);
    });
  }

  /** Refuses changes that are in the document and could not be saved with it. */
  prove(chunks: readonly Uint8Array[]): void {
    if (chunks.length === 0) return;
    const altered = guard("does not give back a change", () => alteredChange(this.#live(), chunks));
    if (altered === undefined) return;
    throw new DocumentError(`the document gives back another change for ${toHex(altered)}`);
  }

  /**
   * Does all operations in one change; returns its chunk, uncompressed. Undefined when everything was
   * so already: Automerge writes nothing where the only value under a key is put again.
   */
  perform(
    operations: readonly Operation[],
    timeSeconds: number,
    message?: string,
  ): Uint8Array | undefined {
    assert(operations.length > 0, "a change has operations");
    return guard("does not change", () => {
      const ahead = this.#writeAhead(operations, { timeSeconds, message });
      return ahead ?? this.performInModule(operations, timeSeconds, message);
    });
  }

  /** The same, made by Automerge whatever it is: what is written ahead is compared with this. */
  performInModule(
    operations: readonly Operation[],
    timeSeconds: number,
    message?: string,
  ): Uint8Array | undefined {
    return guard("does not change", () => {
      const handle = this.#live();
      this.#line.close();
      for (const operation of operations) this.#execute(operation);
      if (handle.commit(message, timeSeconds) === null) return undefined;
      handle.updateDiffCursor(); // the tree follows the plan, not the patches
      this.#values.perform(operations);
      const change = this.lastChange();
      this.#line.begin(change);
      return change;
    });
  }

  /** The same without Automerge; undefined for what is not plain enough. */
  #writeAhead(
    operations: readonly Operation[],
    said: { readonly timeSeconds: number; readonly message: string | undefined },
  ): Uint8Array | undefined {
    const edits: PlainEdit[] = [];
    for (const operation of operations) {
      const edit = this.#values.plainEdit(operation);
      if (edit === undefined) return undefined;
      edits.push(edit);
    }
    this.#openLine();
    const change = this.#line.write(edits, said, this.#writersOf);
    if (change !== undefined) this.#values.perform(operations);
    return change;
  }

  /** What waits has written no member that the line does not know of, so the module may be behind. */
  readonly #writersOf = (object: OperationId, key: string): readonly OperationId[] =>
    this.#known()
      .getAll(object, key)
      .map((found) => String(found.at(-1)));

  /** Where few changes have all others below them, the line begins behind them; where the past is short, with all writers. */
  #openLine(): void {
    if (this.#line.isOpen) return;
    const handle = this.#live();
    const heads = handle.getHeads();
    if (heads.length > limits.PLAIN_LINE_HEADS_MAX) return;
    this.#line.open(heads.map(hashFromHex));
    const isShort = handle.stats().numChanges <= limits.PLAIN_LINE_SEARCHED_MAX;
    if (this.#line.isNumbered || !isShort) return;
    const all = handle.getChangesMeta([]);
    this.#line.know(all.map((change) => ({ ...change, hash: hashFromHex(change.hash) })));
  }

  /** Takes in a plain change that builds on all there is. False: Automerge has to take it. */
  #follow(chunk: Uint8Array | undefined): boolean {
    const change = chunk && readScalarChange(chunk);
    if (chunk === undefined || change === undefined) return false;
    this.#openLine();
    const operations: Operation[] = [];
    for (const row of change.rows) {
      const operation = this.#values.operationOf(row);
      if (operation === undefined) return false;
      operations.push(operation);
    }
    if (!this.#line.follow(change, chunk, this.#writersOf)) return false;
    this.#values.perform(operations);
    return true;
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
    message?: string,
  ): Uint8Array | undefined {
    return guard("does not change at a version", () => {
      const handle = this.#live();
      const heads = base.map(toHex);
      const since = new Set(handle.getChangesMeta(heads).map(({ actor }) => actor));
      const own = handle.getActorId();
      let actor = own;
      for (let level = 1; since.has(actor); level++) actor = actorBeside(own, level);
      // Not `changeAt`: 3.5.0 throws "cannot insert into a map" where lists and maps took turns.
      const forked = handle.fork(undefined, heads);
      const bytes = forked.save();
      forked.free();
      const past = AutomergeDocument.load(bytes, fromHex(actor));
      try {
        const chunk = past.perform(operations, timeSeconds, message);
        if (chunk !== undefined) this.append([chunk]);
        return chunk;
      } finally {
        past.free();
      }
    });
  }

  /** The document at a version that it has. */
  viewAt(heads: readonly ChangeHash[]): DocumentView {
    return guard("has no such version", () => {
      const { profile, meta } = this.#live().materialize("/", heads.map(toHex)) as TreeMap;
      return { profile: storedMap(profile) ?? {}, meta: storedMap(meta) ?? {} };
    });
  }

  /** How Automerge makes a container: what `containerChunk` is compared with. */
  makeContainer(path: readonly string[], kind: SlotKind, message: string): Uint8Array {
    return guard("does not take a container", () => {
      const handle = this.#live();
      this.#line.close();
      const parent = this.#idAt(["profile", ...path.slice(0, -1)]);
      const key = path.at(-1) as string;
      switch (kind) {
        case "counter":
          handle.put(parent, key, 0, "counter");
          break;
        case "list":
          handle.putObject(parent, key, []);
          break;
        case "text":
          handle.putObject(parent, key, "");
          break;
        default:
          handle.putObject(parent, key, {});
      }
      handle.commit(message, 0);
      this.#values.patch(handle.diffIncremental());
      const change = this.lastChange();
      this.#line.learn(change);
      return change;
    });
  }

  /** The chunk of the newest change that this document's own actor made. */
  lastChange(): Uint8Array {
    const chunk = guard("has no change", () => this.#live().getLastLocalChange());
    if (chunk === null) throw new DocumentError("the change is not there");
    return chunk;
  }

  /** Sorted. */
  heads(): ChangeHash[] {
    if (this.#line.isOpen) return [...this.#line.heads];
    return guard("has no heads", () => this.#live().getHeads().map(hashFromHex));
  }

  /** "counter@actor" of the operation that made a map or list. */
  objectId(at: StoredPath): string {
    return guard("has no such place", () => this.#idAt(at));
  }

  /**
   * Saved bytes that were loaded again and gave the same heads and the same values as the tree: Automerge
   * had bugs here, and what was kept up step by step is held against what is there as a whole. `deflated`: long
   * columns are compressed each by itself, as the library does it unasked.
   */
  save(columns: "deflated" | "plain" = "deflated"): Uint8Array {
    return guard("does not save", () => {
      const handle = this.#live();
      const bytes = columns === "deflated" ? handle.save() : handle.saveNoCompress();
      const reloaded = A.load<Root>(bytes, { actor: GENESIS_ACTOR });
      const isSame = A.getHeads(reloaded).join() === handle.getHeads().join();
      const isSameTree = sameTree(plainRoot(reloaded), this.#values.tree);
      A.free(reloaded);
      if (!isSame) throw new DocumentError("saved bytes load with other heads");
      if (!isSameTree) throw new DocumentError("saved bytes load with other values");
      return bytes;
    });
  }

  /** Idempotent. */
  free(): void {
    if (this.#isFreed) return;
    this.#isFreed = true;
    this.#handle.free();
  }

  /** Good for the names of what lies in maps: what waits makes none, unless it has put something into lists. */
  #known(): Handle {
    return this.#line.hasNewItems ? this.#live() : this.#handle;
  }

  /** With all that was written beside it. */
  #live(): Handle {
    assert(!this.#isFreed, "a freed document is not used");
    const ahead = this.#line.take();
    if (ahead.length > 0) {
      this.#handle.applyChanges(ahead);
      this.#handle.updateDiffCursor(); // the tree has it already
    }
    return this.#handle;
  }

  /** A change without its parents waits unseen, in no head and no saved byte. */
  #refuseMissingParents(): void {
    const missing = this.#live().getMissingDeps([]);
    if (missing.length > 0) throw new DocumentError(`missing parents: ${missing.join(", ")}`);
  }

  #execute(operation: Operation): void {
    const handle = this.#handle;
    if (operation.kind === "text") {
      const { at, key, index, removed, inserted } = operation;
      return handle.splice(this.#idAt([...at, key]), index, removed, inserted);
    }
    const id = this.#idAt(operation.at);
    switch (operation.kind) {
      case "splice": {
        const { index, removed, inserted } = operation;
        if (removed > 0) handle.splice(id, index, removed);
        if (inserted.length > 0) handle.spliceFromHydrate(id, index, 0, inserted.map(toStored));
        return;
      }
      case "put":
        return this.#put(id, operation.key, operation.value);
      case "remove":
        return handle.delete(id, operation.key);
      case "add":
        return handle.increment(id, operation.key, operation.by);
    }
  }

  #put(id: string, key: string, value: JsonValue): void {
    const handle = this.#handle;
    switch (typeof value) {
      case "string":
        return handle.put(id, key, value, "str");
      case "boolean":
        return handle.put(id, key, value, "boolean");
      case "number":
        return handle.put(id, key, value, Number.isInteger(value) ? "int" : "f64");
      default:
        if (value === null) handle.put(id, key, null, "null");
        else handle.putObjectFromHydrate(id, key, toStored(value));
    }
  }

  /** The name of a map, list or text. */
  #idAt(path: StoredPath): string {
    const id = this.#values.findId(path);
    if (id === undefined) throw new DocumentError(`there is nothing at ${path.join("/")}`);
    return id;
  }

  #valueOf(type: string, value: unknown): unknown {
    switch (type) {
      case "str":
        return new A.ImmutableString(value as string);
      case "counter":
        return new A.Counter(value as number);
      case "text":
        return this.#handle.text(value as string);
      case "map":
      case "list":
        return this.#handle.materialize(value as string);
      default:
        return value;
    }
  }
}

const treeValues: TreeValues = { fromJson: toStored, counter: (value) => new A.Counter(value) };

function plainRoot(doc: A.Doc<Root>): TreeMap {
  return doc;
}

/** Of the same origin, by which regions are told apart: see `replica/identity.ts`. */
function actorBeside(actor: string, level: number): string {
  const origin = actor.slice(0, actor.length / 2);
  return origin + digest("sha256", `atoll beside ${level} ${actor}`, "hex").slice(0, origin.length);
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

/** Strings become registers: a bare string would be text, one operation per character. */
function toStored(value: JsonValue): unknown {
  if (typeof value === "string") return new A.ImmutableString(value);
  if (typeof value !== "object" || value === null) return value;
  if (isJsonArray(value)) return value.map(toStored);
  const map: MapProxy = {};
  for (const name of Object.keys(value).sort()) map[name] = toStored(value[name] as JsonValue);
  return map;
}
