/**
 * Containers that the genesis does not make: who makes them, and how everybody makes the same.
 *
 * If two regions each made a map for the same member, Automerge would show one and hide the other
 * with all that was written inside. So a container is made by a change of its own whose bytes
 * follow from the genesis and the path alone:
 *
 *     actor    first 16 bytes of SHA-256("atoll container" 0 message)
 *     seq 1, time 0, one operation, message = JSON array of the keys from `profile` down
 *     deps     the container change of the parent; the genesis where the parent is made by it
 *
 * Whoever needs the container makes the same change, and applying it twice is applying it once. The
 * message names the path so that a carried change can be verified without opening any document:
 * rebuild it and compare bytes.
 */
import { createHash } from "node:crypto";
import { limits } from "@atoll/core";
import type { ChangeHash } from "@atoll/core";
import type { SchemaNode } from "./schema.ts";
import { parseKey } from "./slots.ts";
import type { SlotKind } from "./slots.ts";

/** Keys from the `profile` map down to the container, as they are stored. */
export type ContainerPath = readonly string[];

/** A container change as it is applied and carried. */
export interface ContainerChange {
  readonly path: ContainerPath;
  readonly hash: ChangeHash;
  readonly actor: Uint8Array;
  /** Number of its one operation, by which the container is addressed. */
  readonly startOp: number;
  readonly chunk: Uint8Array;
}

/** Longest key: a prefix of three characters before a name of `JSON_KEY_BYTES_MAX` bytes. */
const KEY_CHARS_MAX = limits.JSON_KEY_BYTES_MAX + 3;

export function containerMessage(path: ContainerPath): string {
  return JSON.stringify(path);
}

export function containerActor(path: ContainerPath): Uint8Array {
  const digest = createHash("sha256")
    .update("atoll container\0", "utf8")
    .update(containerMessage(path), "utf8")
    .digest();
  return new Uint8Array(digest.subarray(0, 16));
}

/** The nearest container above that the genesis does not make either. */
export function parentContainer(path: ContainerPath): ContainerPath | undefined {
  const parent = path.slice(0, -1);
  return isContainerKey(parent.at(-1)) ? parent : undefined;
}

/** The path that a container change claims to make; undefined when none is made so. */
export function parseContainerMessage(
  message: string,
  root: SchemaNode,
): ContainerPath | undefined {
  if (!message.startsWith("[") || message.length > limits.JSON_DEPTH_MAX * KEY_CHARS_MAX * 6) {
    return undefined;
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(message);
  } catch {
    return undefined;
  }
  if (!Array.isArray(parsed) || parsed.length > limits.JSON_DEPTH_MAX) return undefined;
  if (!parsed.every((key) => typeof key === "string" && key.length <= KEY_CHARS_MAX)) {
    return undefined;
  }
  const path = parsed as string[];
  return containerKind(path, root) === undefined ? undefined : path;
}

/**
 * What lies at the end of the path; undefined when the genesis makes it or nothing may lie there.
 */
export function containerKind(
  path: ContainerPath,
  root: SchemaNode,
): Exclude<SlotKind, "register"> | undefined {
  let node: SchemaNode | undefined = root;
  for (const [i, key] of path.entries()) {
    const parsed = parseKey(key, node?.members ?? new Map());
    if (parsed?.kind !== "slot" || parsed.slot.kind === "register") return undefined;
    const child: SchemaNode | undefined = node?.members.get(parsed.member);
    if (i === path.length - 1) return isContainerKey(key) ? parsed.slot.kind : undefined;
    if (parsed.slot.kind !== "map") return undefined;
    node = child?.inGenesis === true ? child : undefined;
  }
  return undefined;
}

/** Keys of containers that the genesis makes never look like this: see `slots.ts`. */
function isContainerKey(key: string | undefined): boolean {
  return key !== undefined && /^~[olstn]:/s.test(key);
}

/** The most recently made container changes, by path. */
export class ContainerCache {
  readonly #make: (path: ContainerPath) => ContainerChange;
  readonly #byMessage = new Map<string, ContainerChange>();

  constructor(make: (path: ContainerPath) => ContainerChange) {
    this.#make = make;
  }

  get(path: ContainerPath): ContainerChange {
    const message = containerMessage(path);
    const cached = this.#byMessage.get(message);
    const container = cached ?? this.#make(path);
    if (cached !== undefined) this.#byMessage.delete(message); // to the young end
    this.#byMessage.set(message, container);
    if (this.#byMessage.size > limits.CONTAINERS_CACHED_MAX) {
      for (const oldest of this.#byMessage.keys()) {
        this.#byMessage.delete(oldest);
        break;
      }
    }
    return container;
  }
}
