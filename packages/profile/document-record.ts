/**
 * What a document remembers: its changes, and who wrote which value. Questions that change nothing.
 *
 * They are asked of Automerge, at microseconds each, and with all that was written beside it applied first: so a
 * read or a small edit asks none of them.
 */
import type { ChangeHash } from "@atoll/core";
import { fromHex, limits, mustChangeHash, toHex } from "@atoll/core";
import type { OperationId } from "./change-writer.ts";
import { DocumentError, guard } from "./document-error.ts";
import type { StoredPath } from "./operations.ts";
import { markKey } from "./slots.ts";

/** What Automerge remembers of a change besides its operations. */
export interface ChangeRecord {
  readonly hash: ChangeHash;
  readonly deps: readonly ChangeHash[];
  readonly message: string | undefined;
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

/** What is asked of Automerge. */
interface RecordModule {
  stats(): { readonly numChanges: number; readonly numOps: number };
  getChangeMetaByHash(hash: string): object | null;
  getChangesMeta(heads: string[]): readonly ModuleChange[];
  getChanges(heads: string[]): Uint8Array[];
  getAll(
    object: OperationId,
    key: string | number,
  ): readonly (readonly [type: string, ...rest: unknown[]])[];
  length(text: string): number;
}

interface ModuleChange {
  readonly hash: string;
  readonly deps: readonly string[];
  readonly message: string | null;
  readonly actor: string;
  readonly seq: number;
  readonly startOp: number;
  readonly maxOp: number;
  readonly time: number;
}

export interface RecordSource {
  /** With all that was written beside it. */
  module(): RecordModule;
  /** The name of a map, list or text; undefined where there is none. */
  findId(path: StoredPath): OperationId | undefined;
  /** What Automerge has for a value, as it lies in the tree. */
  valueOf(type: string, found: unknown): unknown;
}

/** Every question may throw `DocumentError`. */
export class DocumentRecord {
  readonly #source: RecordSource;

  constructor(source: RecordSource) {
    this.#source = source;
  }

  size(): { readonly changes: number; readonly operations: number } {
    const { numChanges, numOps } = guard("has no size", () => this.#source.module().stats());
    return { changes: numChanges, operations: numOps };
  }

  hasChange(hash: Uint8Array): boolean {
    return guard("cannot look up a change", () => {
      return this.#source.module().getChangeMetaByHash(toHex(hash)) !== null;
    });
  }

  /** Parents before children. */
  history(): ChangeRecord[] {
    return this.#changes().map(recordOf);
  }

  /** The same with who, when and where in the order of operations. */
  changeMetas(): ChangeMeta[] {
    return this.#changes().map((change) => {
      const { actor, seq, startOp, maxOp, time: timeSeconds } = change;
      return { ...recordOf(change), actor, seq, startOp, maxOp, timeSeconds };
    });
  }

  /** Every change as a chunk, which may be compressed; parents before children. */
  changes(): Uint8Array[] {
    return guard("does not give its changes", () => this.#source.module().getChanges([]));
  }

  /** Changes that a version does not have, as chunks; parents before children. */
  changesSince(heads: readonly ChangeHash[]): Uint8Array[] {
    return guard("does not give its changes", () =>
      this.#source.module().getChanges(heads.map(toHex)),
    );
  }

  /** All values under a key of a map or at an index of a list, with who wrote them; the winner last. */
  values(at: StoredPath, key: string | number): WrittenValue[] {
    return guard("cannot list values", () => {
      const id = this.#source.findId(at);
      if (id === undefined) return []; // an edit that is being planned may be ahead of us
      const written = this.#source.module().getAll(id, key);
      return written.map((found) => {
        const [type, value] = found;
        return { opId: String(found.at(-1)), value: this.#source.valueOf(type, value) };
      });
    });
  }

  /** Who wrote each character of a text, in UTF-16 code units; empty for what is no text. */
  textWriters(at: StoredPath, key: string): string[] {
    return guard("cannot list a text's writers", () => {
      const handle = this.#source.module();
      const id = this.#source.findId(at);
      const found = id === undefined ? undefined : handle.getAll(id, key).at(-1);
      if (found?.[0] !== "text") return [];
      const text = String(found[1]);
      const length = Math.min(handle.length(text), limits.EXPLAINED_TEXT_UNITS_MAX);
      return Array.from({ length }, (_, i) => String(handle.getAll(text, i).at(-1)?.at(-1)));
    });
  }

  /** The name of the operation that made a container; of its mark, where it is shown by that alone. */
  containerId(at: StoredPath): string {
    return guard("cannot name a container", () => {
      const handle = this.#source.module();
      const holder = this.#source.findId(at.slice(0, -1));
      if (holder === undefined) return "";
      const key = String(at.at(-1));
      const found = handle.getAll(holder, key).at(-1) ?? handle.getAll(holder, markKey(key)).at(-1);
      return String(found?.at(-1));
    });
  }

  /** All values that concurrent writes left under a key of a map; none when there is nothing. */
  conflictsAt(at: StoredPath, key: string): readonly unknown[] {
    return guard("cannot list conflicts", () => {
      const id = this.#source.findId(at);
      if (id === undefined) throw new DocumentError(`there is nothing at ${at.join("/")}`);
      const values = this.#source.module().getAll(id, key);
      return values.length < 2
        ? []
        : values.map(([type, value]) => this.#source.valueOf(type, value));
    });
  }

  #changes(): readonly ModuleChange[] {
    return guard("has no history", () => this.#source.module().getChangesMeta([]));
  }
}

function recordOf({ hash, deps, message }: ModuleChange): ChangeRecord {
  return { hash: hashFromHex(hash), deps: deps.map(hashFromHex), message: message ?? undefined };
}

export function hashFromHex(hex: string): ChangeHash {
  return mustChangeHash(fromHex(hex));
}
