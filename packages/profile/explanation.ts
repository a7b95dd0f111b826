/**
 * Why a place of a profile shows what it shows.
 *
 * What decides depends on the kind of the place, so the answer names the rule in words and gives what
 * the rule worked on: of a register its writer and what lost against it; of a set, list or text who
 * wrote each part, because there is no single writer.
 */
import { limits } from "@atoll/core";
import type { ConflictValue } from "./conflict-list.ts";
import { memberValues, writtenValues } from "./conflict-list.ts";
import type { AutomergeDocument } from "./document.ts";
import type { JsonValue } from "./json.ts";
import { locate } from "./place.ts";
import { parsePointer } from "./pointer.ts";
import type { CrdtKind, SchemaNode } from "./schema.ts";
import { storedAt, storedList, storedMap, storedText } from "./stored.ts";
import { showPlain, showSet, showSlot, shownSlots } from "./view.ts";

export interface Explanation {
  readonly kind: CrdtKind;
  readonly value: JsonValue;
  readonly rule: string;
  /** Who wrote a register's value: the name of the operation. */
  readonly opId: string | undefined;
  readonly losers: readonly ConflictValue[];
  /** Elements of a set, items of a list, stretches of a text, in order, as far as they are told. */
  readonly parts: readonly ExplainedPart[];
}

export interface ExplainedPart {
  readonly opId: string;
  readonly value: JsonValue;
}

const RULES: Readonly<Record<CrdtKind, string>> = {
  register:
    "one value wins: of writes that knew of each other the later, of concurrent ones the one whose " +
    "operation has the larger number, then the larger writer; clocks decide nothing",
  text: "merges by character: every insertion and deletion takes effect",
  counter: "sum of all increments, whoever made them and in whatever order",
  set: "union: an element that was added concurrently with its removal stays",
  list: "merges by position: every insertion and removal takes effect, concurrent insertions in one place stand one after the other",
  map: "merges by member: ask about a member",
};
const MIXED =
  "concurrent writes left values of several kinds here: a counter is shown before a text, then a " +
  "set, a map, a list, and a single value last";

/** Undefined when the pointer leads nowhere. */
export function explain(
  document: AutomergeDocument,
  root: SchemaNode,
  pointer: string,
): Explanation | undefined {
  const tokens = parsePointer(pointer);
  if (tokens === undefined || tokens.length === 0) return undefined;
  const place = locate(document.profile, root, tokens);
  switch (place?.kind) {
    case undefined:
      return undefined;
    case "member": {
      const { site, name } = place;
      const node = site.members.get(name);
      const [slot, ...others] = shownSlots(site.map, name, node);
      if (slot === undefined) return undefined;
      const { at, map } = site;
      const [winner, ...losers] = memberValues(document, { at, map, name }, node);
      return {
        kind: slot.kind,
        value: showSlot(map, slot, node) ?? null,
        rule: others.length > 0 ? MIXED : RULES[slot.kind],
        opId: slot.kind === "register" ? winner?.opId : undefined,
        losers,
        parts: partsOf(document, [...at, slot.key], slot.kind, storedAt(map, slot.key)),
      };
    }
    case "field": {
      const { at, map, name } = place;
      if (storedAt(map, name) === undefined) return undefined;
      return written(writtenValues(document, at, name));
    }
    case "item":
      if (place.index >= place.list.length) return undefined;
      return written(writtenValues(document, place.at, place.index));
    case "element": {
      const { owner, key } = place;
      if (key === undefined) return undefined;
      const [winner] = writtenValues(document, [...owner.site.at, owner.slot.key], key);
      return winner && { ...only(winner), kind: "set", rule: RULES.set };
    }
  }
}

function written([winner, ...losers]: readonly ConflictValue[]): Explanation | undefined {
  return winner && { ...only(winner), losers };
}

function only({ opId, value }: ConflictValue): Explanation {
  return { kind: "register", value, rule: RULES.register, opId, losers: [], parts: [] };
}

function partsOf(
  document: AutomergeDocument,
  at: readonly string[],
  kind: CrdtKind,
  stored: unknown,
): ExplainedPart[] {
  const max = limits.EXPLAINED_PARTS_MAX;
  const part = (key: string | number): ExplainedPart => {
    const last = document.record.values(at, key).at(-1);
    return { opId: last?.opId ?? "", value: showPlain(last?.value) ?? null };
  };
  switch (kind) {
    case "set":
      return [...showSet(storedMap(stored) ?? {}).keys()].slice(0, max).map(part);
    case "list":
      return (storedList(stored) ?? []).slice(0, max).map((_item, i) => part(i));
    case "text": {
      const writers = document.record.textWriters(at.slice(0, -1), at.at(-1) ?? "");
      return stretches(writers, storedText(stored) ?? "");
    }
    default:
      return [];
  }
}

/** Neighbours of one writer in one run of its operations are one part. */
function stretches(writers: readonly string[], text: string): ExplainedPart[] {
  const parts: { opId: string; value: string }[] = [];
  let next = "";
  for (const [i, opId] of writers.entries()) {
    const [counter, actor] = opId.split("@");
    const last = parts.at(-1);
    if (last !== undefined && opId === next) last.value += text[i] ?? "";
    else if (parts.length === limits.EXPLAINED_PARTS_MAX) break;
    else parts.push({ opId, value: text[i] ?? "" });
    next = `${Number(counter) + 1}@${actor}`;
  }
  return parts;
}
