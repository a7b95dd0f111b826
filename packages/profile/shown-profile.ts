/**
 * What readers see of an open document, kept member by member.
 *
 * A small edit of a large profile changes one member, so only that one is shown and spelled anew; the
 * others keep their text, and their number of conflicts. Canonical JSON of an object is its members' texts
 * in order of name, so nothing else is needed to put the whole together.
 *
 * Conflicts are asked of Automerge, at some microseconds a member. Most documents have none, and where every
 * change knew all before it none can appear; those that are there can only go. So a succession of changes
 * asks about the members that had any, and only something concurrent asks about all.
 */
import { canonicalJson } from "./canonical.ts";
import type { ConflictReader } from "./conflicts.ts";
import { countMemberConflicts } from "./conflicts.ts";
import type { SchemaNode } from "./schema.ts";
import { parseKey } from "./slots.ts";
import type { StoredMap } from "./stored.ts";
import { memberNames, showMember } from "./view.ts";

export class ShownProfile {
  readonly #root: SchemaNode;
  /** `"name":value` of every member that is shown; undefined before the first look. */
  #texts: Map<string, string> | undefined;
  #names: string[] = [];
  #json: string | undefined;
  #bytes: number | undefined;
  /** How many conflicts each member has that has any; undefined: not known. */
  #conflicts: Map<string, number> | undefined;
  /** Members whose conflicts may be fewer than that. */
  readonly #doubted = new Set<string>();

  constructor(root: SchemaNode) {
    this.#root = root;
  }

  /** A history without anything concurrent has no conflicts. */
  knowNoConflicts(): void {
    this.#conflicts = new Map();
  }

  /** Something concurrent has come: any member may have some. */
  forgetConflicts(): void {
    this.#conflicts = undefined;
    this.#doubted.clear();
  }

  get knowsConflicts(): boolean {
    return this.#conflicts !== undefined;
  }

  /** Values under these keys of the stored profile may be others than before; undefined: under any. */
  touched(keys: ReadonlySet<string> | undefined, profile: StoredMap): void {
    if (keys === undefined) this.#texts = undefined;
    if (keys?.size === 0) return;
    this.#json = this.#bytes = undefined;
    for (const name of this.#conflicts?.keys() ?? []) this.#doubted.add(name);
    if (keys === undefined) return;
    const names = new Set<string>();
    for (const key of keys) {
      const name = memberOfKey(key, this.#root);
      if (name !== undefined) names.add(name);
    }
    for (const name of names) {
      if (this.#texts !== undefined) this.#show(this.#texts, name, profile);
    }
  }

  /** Canonical JSON. */
  json(profile: StoredMap): string {
    if (this.#texts === undefined) {
      this.#texts = new Map();
      this.#names = [];
      for (const name of memberNames(profile, this.#root.members)) {
        this.#show(this.#texts, name, profile);
      }
    }
    if (this.#json === undefined) {
      let json = "{";
      for (const name of this.#names) {
        json += json.length === 1 ? "" : ",";
        json += this.#texts.get(name) ?? "";
      }
      this.#json = `${json}}`;
    }
    return this.#json;
  }

  /** Of the canonical JSON, in UTF-8. */
  bytes(profile: StoredMap): number {
    return (this.#bytes ??= Buffer.byteLength(this.json(profile), "utf8"));
  }

  conflicts(profile: StoredMap, conflictsAt: ConflictReader): number {
    const { members } = this.#root;
    if (this.#conflicts === undefined) {
      this.#conflicts = new Map();
      for (const name of memberNames(profile, members)) this.#doubted.add(name);
    }
    for (const name of this.#doubted) {
      const count = countMemberConflicts(
        { at: ["profile"], map: profile, members },
        name,
        conflictsAt,
      );
      if (count > 0) this.#conflicts.set(name, count);
      else this.#conflicts.delete(name);
    }
    this.#doubted.clear();
    let sum = 0;
    for (const count of this.#conflicts.values()) sum += count;
    return sum;
  }

  #show(texts: Map<string, string>, name: string, profile: StoredMap): void {
    const shown = showMember(profile, name, this.#root.members.get(name));
    const isKnown = texts.has(name);
    if (shown !== undefined) {
      texts.set(name, `${JSON.stringify(name)}:${canonicalJson(shown)}`);
      if (!isKnown) insertSorted(this.#names, name);
    } else if (isKnown) {
      texts.delete(name);
      this.#names.splice(this.#names.indexOf(name), 1);
    }
  }
}

/** The member that a key of the stored profile belongs to; undefined for what no version wrote. */
function memberOfKey(key: string, { members }: SchemaNode): string | undefined {
  const parsed = parseKey(key, members);
  if (parsed?.kind === "slot") return parsed.member;
  if (parsed?.kind !== "mark") return undefined;
  const marked = parseKey(parsed.slotKey, members);
  return marked?.kind === "slot" ? marked.member : undefined;
}

/** By UTF-16 code units, as RFC 8785 has it. */
function insertSorted(names: string[], name: string): void {
  let [lo, hi] = [0, names.length];
  while (lo < hi) {
    const middle = (lo + hi) >>> 1;
    if ((names[middle] ?? "") < name) lo = middle + 1;
    else hi = middle;
  }
  names.splice(lo, 0, name);
}
