/**
 * Copies of one profile that exchange entries as replicas do: parents first, everything verified.
 *
 * For tests only. Delivery goes by the parents that parsed chunks name, never by asking Automerge.
 */
import fc from "fast-check";
import { assert, isAtollError, toHex } from "@atoll/core";
import type { ChangeHash, ProfileId, Tenant } from "@atoll/core";
import { parseChangeChunk } from "./change-chunk.ts";
import type { ChangeChunk } from "./change-chunk.ts";
import { ProfileCodec } from "./codec.ts";
import type { Authorship } from "./authorship.ts";
import type { ProfileEdit } from "./edit.ts";
import type { PatchOperation } from "./json-patch.ts";
import type { JsonObject, JsonScalar, JsonValue } from "./json.ts";
import type { NativeOperation } from "./native-operation.ts";
import { childPointer } from "./pointer.ts";
import type { OpenProfile, RenderedProfile } from "./open-profile.ts";
import { parseProfileSchema } from "./schema.ts";

export const fleetSchema = parseProfileSchema({
  type: "object",
  properties: {
    bio: { type: "string", "x-crdt": "text" },
    tags: { type: "array", "x-crdt": "set" },
    links: { type: "array", "x-crdt": "list" },
    place: { type: "object", "x-crdt": "map", properties: { memo: { "x-crdt": "text" } } },
    stats: {
      type: "object",
      "x-crdt": "map",
      properties: { n: { type: "integer", "x-crdt": "counter" } },
    },
    notes: { type: "string", "x-crdt": "text", "x-crdt-since": 2 },
    later: {
      type: "object",
      "x-crdt": "map",
      "x-crdt-since": 2,
      properties: { hits: { "x-crdt": "counter" }, marks: { "x-crdt": "set" } },
    },
  },
});

export const fleetCodec = new ProfileCodec(fleetSchema);
export const identity = { tenant: "default" as Tenant, id: "P1" as ProfileId };

/** What one edit sends to the others. */
export interface Entry {
  readonly change: Uint8Array;
  readonly containers: readonly Uint8Array[];
}

export function actorOf(number: number): Uint8Array {
  return new Uint8Array(16).fill(0xa0 + number);
}

export class Copy {
  profile: OpenProfile;
  readonly #known = new Set<string>();
  #waiting: Entry[] = [];
  #edits = 0;

  constructor(number: number, codec = fleetCodec) {
    this.profile = codec.create(identity, actorOf(number));
    this.#known.add(toHex(codec.genesisHash));
  }

  /** Undefined when the edit was refused or changed nothing. */
  edit(edit: ProfileEdit, base?: readonly ChangeHash[], by?: Authorship): Entry | undefined {
    this.#edits++;
    const timeSeconds = 1000 + this.#edits;
    const context = { timeSeconds, deletedAtMs: this.#edits, identity, base, by };
    try {
      const result = this.profile.edit(edit, context);
      if (!result.changed) return undefined;
      for (const chunk of [...result.containers, result.change]) this.#learn(chunk);
      return { change: result.change, containers: result.containers };
    } catch (error) {
      if (isAtollError(error)) return undefined;
      throw error;
    }
  }

  receive(entry: Entry): void {
    this.#waiting.push(entry);
    for (let progress = true; progress;) {
      const ready = this.#waiting.filter((waiting) => this.#isReady(waiting));
      progress = ready.length > 0;
      for (const each of ready) {
        const chunks = [...each.containers, each.change];
        this.profile.append(chunks);
        chunks.forEach((chunk) => this.#learn(chunk));
      }
      this.#waiting = this.#waiting.filter((waiting) => !ready.includes(waiting));
    }
  }

  /** Several in one delivery, parents first: what else waits goes on waiting. */
  receiveTogether(entries: readonly Entry[]): void {
    const ready = entries.filter((entry) => {
      if (!this.#isReady(entry)) return false;
      [...entry.containers, entry.change].forEach((chunk) => this.#learn(chunk));
      return true;
    });
    this.profile.append(ready.flatMap(({ containers, change }) => [...containers, change]));
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** The same copy with its document opened anew. */
  continueWith(profile: OpenProfile): this {
    this.profile = profile;
    return this;
  }

  render(): RenderedProfile {
    return this.profile.render();
  }

  json(): JsonObject {
    return JSON.parse(this.render().json) as JsonObject;
  }

  heads(): string[] {
    return this.profile.heads().map(toHex);
  }

  #learn(chunk: Uint8Array): void {
    this.#known.add(toHex(mustParse(chunk).hash));
  }

  #isReady(entry: Entry): boolean {
    const carried = new Set(entry.containers.map((chunk) => toHex(mustParse(chunk).hash)));
    return [...entry.containers, entry.change].every((chunk) =>
      mustParse(chunk).deps.every((dep) => this.#known.has(toHex(dep)) || carried.has(toHex(dep))),
    );
  }
}

export function mustParse(chunk: Uint8Array): ChangeChunk {
  const parsed = parseChangeChunk(chunk);
  assert(parsed.kind === "change", parsed.kind === "fault" ? parsed.reason : "");
  return parsed;
}

/** Runs with copies that are freed afterwards. */
export function withCopies<T>(count: number, run: (copies: readonly Copy[]) => T): T {
  const copies = Array.from({ length: count }, (_, number) => new Copy(number));
  try {
    return run(copies);
  } finally {
    copies.forEach((copy) => copy.profile.free());
  }
}

export interface Refusal {
  readonly code: string;
  readonly pointers: readonly string[];
}

/** Why an edit is refused; fails when it is not, or when it left a trace. */
export function refusalOf(copy: Copy, edit: ProfileEdit): Refusal {
  const before = { rendered: copy.render(), heads: copy.heads() };
  try {
    copy.profile.edit(edit, { timeSeconds: 7, deletedAtMs: 8, identity });
  } catch (error) {
    if (!isAtollError(error)) throw error;
    const after = { rendered: copy.render(), heads: copy.heads() };
    assert(JSON.stringify(after) === JSON.stringify(before), "a refused edit leaves no trace");
    return {
      code: error.code,
      pointers: (error.data.faults ?? []).map((fault) => fault.pointer),
    };
  }
  throw new Error("the edit was accepted");
}

// ── arbitrary edits ──

const scalar = fc.oneof(
  fc.integer({ min: -2, max: 3 }),
  fc.constantFrom<JsonValue>("", "x", "é", "👋🏽 y", true, false, null, 0.5, -1e-7, 2 ** 53 - 1),
);
const freeName = fc.constantFrom("a", "b", "~", "~o:a", "constructor");

/** Any JSON, small, with the names that have hurt somebody. */
export const anyJson: fc.Arbitrary<JsonValue> = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    scalar,
    fc.array(tie("value"), { maxLength: 2 }),
    fc.dictionary(freeName, tie("value"), { maxKeys: 2, noNullPrototype: true }),
  ),
})).value;

const sentence = fc
  .array(fc.constantFrom("one", "two", " ", "three.", "👋", "ü", "\n"), { maxLength: 5 })
  .map((words) => words.join(""));
const link = fc.record(
  { label: fc.constantFrom("p", "q"), url: fc.constantFrom("u", "v"), more: anyJson },
  { requiredKeys: [], noNullPrototype: true },
);

/** A body that fits the schema, but for counters, which take no values. */
export const anyBody: fc.Arbitrary<JsonObject> = fc
  .tuple(
    fc.dictionary(freeName, anyJson, { maxKeys: 2, noNullPrototype: true }),
    fc.subarray(["bio", "notes", "tags", "links", "place", "later"], { maxLength: 3 }),
    fc.record(
      {
        bio: sentence,
        notes: sentence,
        tags: fc.array(scalar, { maxLength: 3 }),
        links: fc.array(fc.oneof(link, scalar), { maxLength: 3 }),
        place: fc.dictionary(freeName, anyJson, { maxKeys: 2, noNullPrototype: true }),
        later: fc.record(
          { a: anyJson, marks: fc.array(scalar, { maxLength: 2 }) },
          { requiredKeys: [], noNullPrototype: true },
        ),
      },
      { noNullPrototype: true },
    ),
  )
  .map(([free, names, declared]) => ({
    ...free,
    ...Object.fromEntries(Object.entries(declared).filter(([name]) => names.includes(name))),
  }));

const anyPatch: fc.Arbitrary<JsonObject> = fc
  .tuple(
    anyBody,
    fc.subarray(["a", "b", "bio", "tags", "links", "place", "notes", "later"], { maxLength: 2 }),
  )
  .map(([body, gone]) => ({ ...body, ...Object.fromEntries(gone.map((name) => [name, null])) }));

const anyPlace = fc
  .array(
    fc
      .constantFrom("a", "b", "bio", "notes", "tags", "links", "place", "later", "marks", "memo")
      .chain((name) =>
        fc.oneof({ weight: 3, arbitrary: fc.constant(name) }, fc.constantFrom("0", "1", "-")),
      ),
    { minLength: 1, maxLength: 3 },
  )
  .map((tokens) => tokens.reduce<string>(childPointer, ""));
const anyValues = fc.array(scalar as fc.Arbitrary<JsonScalar>, { maxLength: 2 });
const index = fc.integer({ min: 0, max: 3 });

const anyPatchOperation: fc.Arbitrary<PatchOperation> = fc.oneof(
  fc.record({ op: fc.constantFrom("add", "replace"), path: anyPlace, value: anyJson }),
  fc.record({ op: fc.constant("remove"), path: anyPlace }),
  fc.record({ op: fc.constantFrom("move", "copy"), path: anyPlace, from: anyPlace }),
);

const anyNativeOperation: fc.Arbitrary<NativeOperation> = fc.oneof(
  fc.record({ op: fc.constant("set"), path: anyPlace, value: anyJson }),
  fc.record({ op: fc.constant("unset"), path: anyPlace }),
  fc.record({
    op: fc.constant("increment"),
    path: fc.constantFrom("/stats/n", "/later/hits"),
    by: fc.integer({ min: -3, max: 3 }),
  }),
  fc.record({ op: fc.constant("listInsert"), path: anyPlace, index, values: anyValues }),
  fc.record({ op: fc.constant("listRemove"), path: anyPlace, index }),
  fc.record({ op: fc.constantFrom("setAdd", "setRemove"), path: anyPlace, values: anyValues }),
  fc.record({
    op: fc.constant("textSplice"),
    path: fc.constantFrom("/bio", "/notes", "/place/memo"),
    index,
    remove: index,
    insert: sentence,
  }),
  fc.record({ op: fc.constant("textUpdate"), path: anyPlace, value: sentence }),
  fc.record({ op: fc.constant("resolve"), path: anyPlace, value: anyJson }),
);

/** Edits of several steps; many of them are refused. */
export const anySteps: fc.Arbitrary<ProfileEdit> = fc.oneof(
  fc
    .array(anyPatchOperation, { minLength: 1, maxLength: 3 })
    .map((operations): ProfileEdit => ({ kind: "json-patch", operations })),
  fc
    .array(anyNativeOperation, { minLength: 1, maxLength: 3 })
    .map((operations): ProfileEdit => ({ kind: "operations", operations })),
);

export const anyEdit: fc.Arbitrary<ProfileEdit> = fc.oneof(
  { weight: 4, arbitrary: anyBody.map((value): ProfileEdit => ({ kind: "put", value })) },
  { weight: 5, arbitrary: anyPatch.map((patch): ProfileEdit => ({ kind: "merge-patch", patch })) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom("/stats/n", "/later/hits"), fc.integer({ min: -3, max: 3 }))
      .map(([pointer, by]): ProfileEdit => ({ kind: "increment", pointer, by })),
  },
  { weight: 1, arbitrary: fc.constant<ProfileEdit>({ kind: "delete" }) },
);

/** Of every kind but revert. */
export const anyMixedEdit: fc.Arbitrary<ProfileEdit> = fc.oneof(anyEdit, anySteps);
