/**
 * Between profiles and documents: everything that is the same for all documents of a process.
 *
 * Made once from the schema. It makes the genesis and the container changes, and opens documents
 * from the bytes in which a store keeps them.
 */
import { assert, fromHex, must, toHex } from "@atoll/core";
import type { ChangeHash } from "@atoll/core";
import type { ChangeChunk } from "./change-chunk.ts";
import { containerChunk } from "./container-chunk.ts";
import type { ContainerChange, ContainerPath } from "./containers.ts";
import {
  ContainerCache,
  containerActor,
  containerKind,
  containerMessage,
  parentContainer,
  parseContainerMessage,
} from "./containers.ts";
import { DocumentError } from "./document-error.ts";
import { AutomergeDocument } from "./document.ts";
import { genesisMessage } from "./genesis.ts";
import type { Operation } from "./operations.ts";
import type { Identity, Shared } from "./open-profile.ts";
import { OpenProfile, hashOfChunk } from "./open-profile.ts";
import { packDocument, unpackDocument } from "./packed-document.ts";
import { SchemaCheck } from "./schema-check.ts";
import type { ProfileSchema } from "./schema.ts";
import type { SlotKind } from "./slots.ts";
import { SLOT_ORDER, undeclaredSlot } from "./slots.ts";

/** The two parts in which a store keeps a document. */
export interface DocumentBytes {
  /** Saved document, packed or as Automerge saves it; undefined when the tail starts from the genesis. */
  readonly base: Uint8Array | undefined;
  /** Raw changes since, concatenated, parents before children. */
  readonly tail: Uint8Array;
}

export class ProfileCodec {
  readonly schema: ProfileSchema;
  /** Whether a profile is what the schema allows. */
  readonly check: SchemaCheck;
  readonly genesisHash: Uint8Array;
  /** The genesis as a change, for whoever writes a document to somebody without Atoll. */
  readonly genesisChange: Uint8Array;
  readonly #genesis: AutomergeDocument;
  readonly #genesisOps: number;
  readonly #genesisSaved: Uint8Array;
  readonly #containers: ContainerCache;
  readonly #shared: Shared;

  constructor(schema: ProfileSchema) {
    this.schema = schema;
    this.check = new SchemaCheck(schema.source);
    this.#genesis = AutomergeDocument.genesis(schema.root, genesisMessage(schema.root));
    this.genesisChange = this.#genesis.lastChange();
    this.genesisHash = hashOfChunk(this.genesisChange);
    this.#genesisOps = this.#genesis.record.size().operations;
    this.#genesisSaved = this.#genesis.save();
    this.#containers = new ContainerCache((path) => this.#makeContainer(path));
    this.#shared = {
      root: schema.root,
      containerChange: (path) => this.#containers.get(path),
      isUncounted: (hash, message) => this.#isUncounted(hash, message),
      pack: (saved) => packDocument(saved, this.genesisChange),
    };
    this.#verifyContainers();
    this.#verifyChanges();
  }

  /** An empty document; its first edit also writes who it is. `actor`: 16 bytes. */
  create(identity: Identity, actor: Uint8Array): OpenProfile {
    return new OpenProfile(this.#shared, this.#genesis.fork(actor), {
      actor,
      identity,
      isEmpty: true,
    });
  }

  /** Throws `DocumentError` when the bytes do not load or lack a parent. `actor`: 16 bytes. */
  open(bytes: DocumentBytes, actor: Uint8Array): OpenProfile {
    const base = bytes.base === undefined ? this.#genesisSaved : this.#unpacked(bytes.base);
    const whole = bytes.tail.length === 0 ? base : Buffer.concat([base, bytes.tail]);
    const document = AutomergeDocument.load(whole, actor);
    if (!document.record.hasChange(this.genesisHash)) {
      document.free();
      throw new DocumentError("the document comes from another genesis");
    }
    return new OpenProfile(this.#shared, document, {
      actor,
      identity: undefined,
      isEmpty: false,
    });
  }

  #unpacked(base: Uint8Array): Uint8Array {
    const saved = unpackDocument(base, this.genesisChange);
    if (saved !== undefined) return saved;
    throw new DocumentError("the document does not load: it does not unpack");
  }

  /**
   * True when a change that a peer carried as a container is exactly the one that makes the
   * container it names. Anything else must not be applied uncounted. Needs no open document.
   */
  isContainerChange(change: ChangeChunk): boolean {
    if (change.seq !== 1 || change.timeSeconds !== 0 || change.opCount !== 1) return false;
    const path = parseContainerMessage(change.message, this.schema.root);
    if (path === undefined || toHex(containerActor(path)) !== toHex(change.actor)) return false;
    return toHex(this.#containers.get(path).hash) === toHex(change.hash);
  }

  /** The change that makes a container; the same bytes always and everywhere. */
  containerChunk(path: ContainerPath): Uint8Array {
    return this.#containers.get(path).chunk;
  }

  #isUncounted(hash: ChangeHash, message: string | undefined): boolean {
    if (message === undefined) return false;
    if (toHex(hash) === toHex(this.genesisHash)) return true;
    const path = parseContainerMessage(message, this.schema.root);
    return path !== undefined && toHex(this.#containers.get(path).hash) === toHex(hash);
  }

  #makeContainer(path: ContainerPath): ContainerChange {
    const kind = containerKind(path, this.schema.root);
    assert(kind !== undefined, "containers are made where one may lie");
    const above = parentContainer(path);
    const made = above === undefined ? undefined : this.#containers.get(above);
    const parent = made ?? { hash: this.genesisHash, ...this.#genesisMap(path.slice(0, -1)) };
    const counter = "counter" in parent ? parent.counter : parent.startOp;
    const actor = containerActor(path);
    const startOp = made === undefined ? this.#genesisOps + 1 : made.startOp + 1;
    const chunk = containerChunk({
      parent: { hash: parent.hash, actor: parent.actor, counter },
      actor,
      startOp,
      message: containerMessage(path),
      key: must(path.at(-1), "the container's key"),
      kind,
    });
    return { path, actor, startOp, chunk, hash: hashOfChunk(chunk) };
  }

  /** The operation by which the genesis made a map. */
  #genesisMap(path: ContainerPath): { counter: number; actor: Uint8Array } {
    const id = this.#genesis.objectId(["profile", ...path]);
    const [counter, actor] = id.split("@");
    return { counter: Number(counter), actor: fromHex(must(actor, "the genesis' writer")) };
  }

  /** Of a member that may be of any kind. */
  #undeclaredName(): string {
    let name = "probe";
    while (this.schema.root.members.has(name)) name += "+";
    return name;
  }

  /** Automerge must make the very same containers, or copies of one document would not meet. */
  #verifyContainers(): void {
    const outer = undeclaredSlot("map", this.#undeclaredName()).key;
    for (const kind of SLOT_ORDER) {
      if (kind === "register") continue;
      for (const path of [[], [outer], [outer, outer]].map((at) => [
        ...at,
        undeclaredSlot(kind, "a longer probe, to have more than one byte of length".repeat(3)).key,
      ])) {
        const ours = this.#containers.get(path).chunk;
        assert(
          toHex(ours) === toHex(this.#askAutomerge(path, kind)),
          "containers are reproducible",
        );
      }
    }
  }

  /** Automerge must make the very same changes, or what is acknowledged would have another name when saved. */
  #verifyChanges(): void {
    const at = ["profile"];
    const name = this.#undeclaredName();
    const actor = new Uint8Array(16).fill(1);
    const values = ["a", "a", 1, -1_000, 2 ** 40, 0.5, true, false, null, "a longer text, é"];
    const puts = values.map((value, i): Operation => ({ kind: "put", at, key: `k${i}`, value }));
    const others = puts.map((put, i): Operation => {
      const { key } = put as Operation & { readonly kind: "put" };
      return i % 3 === 0 ? { kind: "remove", at, key } : { kind: "put", at, key, value: "other" };
    });
    const counter = undeclaredSlot("counter", name).key;
    others.push({ kind: "add", at, key: counter, by: -1_000 });
    const [ours, theirs] = [this.#genesis.fork(actor), this.#genesis.fork(actor)];
    const list = undeclaredSlot("list", name).key;
    const items = ["a", { b: [1, "é"], a: {} }, 0.5, [], null];
    puts.push({ kind: "splice", at: [...at, list], index: 0, removed: 0, inserted: items });
    const text = undeclaredSlot("text", name).key;
    puts.push({ kind: "text", at, key: text, index: 0, removed: 0, inserted: "a text, 👋🏽" });
    const made = [counter, list, text].map((key) => this.containerChunk([key]));
    for (const document of [ours, theirs]) document.append(made);
    for (const [operations, message] of [[puts], [others, '{"principal":"é"}']] as const) {
      const chunk = must(ours.perform(operations, 1_767_225_600, message), "ours");
      const made = must(theirs.performInModule(operations, 1_767_225_600, message), "theirs");
      assert(toHex(chunk) === toHex(made), "changes are reproducible");
    }
    for (const document of [ours, theirs]) document.free();
  }

  #askAutomerge(path: ContainerPath, kind: SlotKind): Uint8Array {
    const ancestors: Uint8Array[] = [];
    for (let at = parentContainer(path); at !== undefined; at = parentContainer(at)) {
      ancestors.unshift(this.#containers.get(at).chunk);
    }
    const document = this.#genesis.fork(containerActor(path));
    try {
      if (ancestors.length > 0) document.append(ancestors);
      return document.makeContainer(path, kind, containerMessage(path));
    } finally {
      document.free();
    }
  }
}
