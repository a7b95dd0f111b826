/**
 * The stored document as it will be when a plan has been carried out, without Automerge.
 *
 * An edit of several steps is one change, and each step means the profile as the steps before it left
 * it: an index of a list, a `test`, a counter that is not yet there. So each step is planned against this
 * copy, and its operations are done to the copy at once; the real document sees them all together, in
 * the same order, or not at all. Only what is touched is copied.
 */
import { assert } from "@atoll/core";
import type { ContainerPath } from "./containers.ts";
import type { JsonValue } from "./json.ts";
import { isJsonArray } from "./json.ts";
import type { Operation, StoredPath } from "./operations.ts";
import { parseKey } from "./slots.ts";
import type { StoredMap } from "./stored.ts";
import { storedAt, storedCounter, storedList, storedMap, storedText } from "./stored.ts";

/** Looks like Automerge's own to whoever reads stored values: see `stored.ts`. */
class StagedRegister {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  toJSON(): string {
    return this.#text;
  }
}

class StagedCounter {
  readonly #count: number;

  constructor(count: number) {
    this.#count = count;
  }

  toJSON(): number {
    return this.#count;
  }
}

export class StagedProfile {
  #profile: StoredMap;

  constructor(profile: StoredMap) {
    this.#profile = profile;
  }

  get profile(): StoredMap {
    return this.#profile;
  }

  /** As `document.perform` will: containers first, then the operations one after the other. */
  perform(plan: {
    readonly operations: readonly Operation[];
    readonly containers: readonly ContainerPath[];
  }): void {
    for (const path of plan.containers) this.#makeContainer(path);
    for (const operation of plan.operations) {
      if (operation.kind === "splice") this.#splice(operation);
      else this.#change(operation.at, (map) => changed(map, operation));
    }
  }

  #makeContainer(path: ContainerPath): void {
    const key = path.at(-1) ?? "";
    this.#change(["profile", ...path.slice(0, -1)], (map) =>
      storedAt(map, key) === undefined ? { ...map, [key]: emptyContainer(key) } : map,
    );
  }

  #splice({ at, index, removed, inserted }: Operation & { readonly kind: "splice" }): void {
    this.#replace(at, (value) => {
      const list = storedList(value);
      assert(list !== undefined, "a splice names a list");
      return list.toSpliced(index, removed, ...inserted.map(staged));
    });
  }

  #change(at: StoredPath, change: (map: StoredMap) => StoredMap): void {
    this.#replace(at, (value) => {
      const map = storedMap(value);
      assert(map !== undefined, "an operation names a map");
      return change(map);
    });
  }

  #replace([root, ...path]: StoredPath, change: (value: unknown) => unknown): void {
    assert(root === "profile", "edits are planned inside the profile");
    this.#profile = replaceIn(this.#profile, path, change) as StoredMap;
  }
}

function replaceIn(value: unknown, path: StoredPath, change: (value: unknown) => unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return change(value);
  const list = storedList(value);
  if (list !== undefined) {
    return list.with(Number(key), replaceIn(list[Number(key)], rest, change));
  }
  const map = storedMap(value);
  assert(map !== undefined, "a path leads through maps and lists");
  return { ...map, [key]: replaceIn(storedAt(map, String(key)), rest, change) };
}

function changed(map: StoredMap, operation: Exclude<Operation, { kind: "splice" }>): StoredMap {
  const { key } = operation;
  switch (operation.kind) {
    case "put":
      return { ...map, [key]: staged(operation.value) };
    case "remove": {
      const rest: Record<string, unknown> = { ...map };
      delete rest[key];
      return rest;
    }
    case "add":
      return {
        ...map,
        [key]: new StagedCounter((storedCounter(storedAt(map, key)) ?? 0) + operation.by),
      };
    case "text": {
      const { index, removed, inserted } = operation;
      const text = storedText(storedAt(map, key)) ?? "";
      return { ...map, [key]: text.slice(0, index) + inserted + text.slice(index + removed) };
    }
  }
}

function emptyContainer(key: string): unknown {
  const parsed = parseKey(key, new Map());
  assert(parsed?.kind === "slot", "containers are made under keys of their own");
  switch (parsed.slot.kind) {
    case "map":
    case "set":
      return {};
    case "list":
      return [];
    case "text":
      return "";
    case "counter":
      return new StagedCounter(0);
    case "register":
      throw new Error("a register is no container");
  }
}

function staged(value: JsonValue): unknown {
  if (typeof value === "string") return new StagedRegister(value);
  if (typeof value !== "object" || value === null) return value;
  if (isJsonArray(value)) return value.map(staged);
  const map: Record<string, unknown> = {};
  for (const name of Object.keys(value)) map[name] = staged(value[name] as JsonValue);
  return map;
}
