/**
 * Random REST calls against one region and a plain map of JSON: whatever the order of calls, what is read
 * is what the model has, conditions hold exactly when they should, and history grows by real changes only.
 */
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { JsonObject, JsonValue, PatchOperation } from "@atoll/profile";
import { canonicalJson, diffJson, mergePatch, parseProfileSchema } from "@atoll/profile";
import type { Answer } from "./rest-region.fixture.ts";
import { RestRegion } from "./rest-region.fixture.ts";

const schema = parseProfileSchema({
  type: "object",
  properties: {
    n: { type: "integer", "x-crdt": "counter" },
    text: { type: "string", "x-crdt": "text" },
    word: { type: "string", maxLength: 3 },
  },
});
const region = new RestRegion({ schema });

beforeAll(() => region.open());
afterAll(() => region.close());

interface Version {
  readonly value: JsonObject;
  readonly heads: string;
}
interface Person {
  /** Undefined while it is deleted or was never there. */
  value: JsonObject | undefined;
  /** Undefined until somebody counts; survives a delete. */
  count: number | undefined;
  etag: string;
  versions: Version[];
}
interface Model {
  readonly run: string;
  readonly people: Map<string, Person>;
  keys: number;
}
type Region = RestRegion;

abstract class Call implements fc.AsyncCommand<Model, Region> {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  check(): boolean {
    return true;
  }

  async run(model: Model, real: Region): Promise<void> {
    let person = model.people.get(this.name);
    if (person === undefined) {
      person = { value: undefined, count: undefined, etag: "", versions: [] };
      model.people.set(this.name, person);
    }
    await this.call(`${model.run}-${this.name}`, person, real, model);
    const read = await real.get(`${model.run}-${this.name}`);
    expect(read.status).toBe(person.value === undefined ? 404 : 200);
    if (person.value !== undefined) {
      expect(read.text).toBe(canonicalJson(person.value));
      expect(read.headers.get("etag")).toBe(person.etag);
    }
  }

  protected abstract call(id: string, person: Person, real: Region, model: Model): Promise<void>;

  abstract toString(): string;
}

/** What a successful write does to the model: a new version exactly when the value is another. */
function written(person: Person, answer: Answer, value: JsonObject): void {
  const isNew = person.value === undefined;
  const isSame = !isNew && canonicalJson(person.value as JsonObject) === canonicalJson(value);
  expect([answer.text, answer.status]).toEqual([canonicalJson(value), isNew ? 201 : 200]);
  const etag = answer.headers.get("etag") ?? "";
  if (isSame) expect(etag).toBe(person.etag);
  else if (!isNew) expect(etag).not.toBe(person.etag);
  if (!isSame) {
    person.versions.push({ value, heads: answer.headers.get("document-heads") ?? "" });
  }
  person.value = value;
  person.etag = etag;
}

/** Counters are left as they are by whoever does not name them. */
function counted(value: JsonObject, { count }: Person): JsonObject {
  const rest: Record<string, JsonValue> = { ...value };
  delete rest["n"];
  return count === undefined ? rest : { ...rest, n: count };
}

function allowed(value: JsonObject): boolean {
  return typeof value["word"] !== "string" || value["word"].length <= 3;
}

class Put extends Call {
  readonly value: JsonObject;

  constructor(name: string, value: JsonObject) {
    super(name);
    this.value = value;
  }

  protected async call(id: string, person: Person, real: Region): Promise<void> {
    const answer = await real.put(id, this.value);
    if (allowed(this.value)) written(person, answer, counted(this.value, person));
    else expect(answer.status).toBe(422);
  }

  toString(): string {
    return `put ${this.name} ${JSON.stringify(this.value)}`;
  }
}

class MergePatch extends Call {
  readonly patch: JsonObject;

  constructor(name: string, patch: JsonObject) {
    super(name);
    this.patch = patch;
  }

  protected async call(id: string, person: Person, real: Region): Promise<void> {
    const answer = await real.mergePatch(id, this.patch);
    if (person.value === undefined) return expect(answer.status).toBe(404);
    const value = mergePatch(person.value, this.patch) as JsonObject;
    if (allowed(value)) written(person, answer, value);
    else expect(answer.status).toBe(422);
  }

  toString(): string {
    return `merge ${this.name} ${JSON.stringify(this.patch)}`;
  }
}

/** To another value by the difference, after a test of the present one. */
class JsonPatch extends Call {
  readonly value: JsonObject;
  readonly guess: JsonObject | undefined;

  constructor(name: string, value: JsonObject, guess: JsonObject | undefined) {
    super(name);
    this.value = value;
    this.guess = guess;
  }

  protected async call(id: string, person: Person, real: Region): Promise<void> {
    const before = person.value;
    const target = counted(this.value, person);
    const known = this.guess === undefined ? (before ?? {}) : this.guess;
    const patch: PatchOperation[] = [
      { op: "test", path: "", value: known },
      ...diffJson(before ?? {}, target),
    ];
    const answer = await real.jsonPatch(id, patch);
    if (before === undefined) return expect(answer.status).toBe(404);
    if (canonicalJson(known) !== canonicalJson(before)) return expect(answer.status).toBe(409);
    if (allowed(target)) written(person, answer, target);
    else expect(answer.status).toBe(422);
  }

  toString(): string {
    return `json-patch ${this.name} ${JSON.stringify([this.guess, this.value])}`;
  }
}

class Count extends Call {
  readonly by: number;
  readonly times: number;

  constructor(name: string, by: number, times: number) {
    super(name);
    this.by = by;
    this.times = times;
  }

  protected async call(id: string, person: Person, real: Region, model: Model): Promise<void> {
    const headers = { "idempotency-key": `${id}-${model.keys++}` };
    const body = [{ op: "increment", path: "/n", by: this.by }];
    const answers: Answer[] = [];
    for (let i = 0; i < this.times; i++) answers.push(await real.operations(id, body, headers));
    const [first] = answers;
    if (first === undefined) return;
    if (person.value === undefined) return expect(first.status).toBe(404);
    person.count = (person.count ?? 0) + this.by;
    written(person, first, { ...person.value, n: person.count });
    for (const again of answers) expect(again.text).toBe(first.text);
  }

  toString(): string {
    return `count ${this.name} ${this.by} × ${this.times}`;
  }
}

class Remove extends Call {
  protected async call(id: string, person: Person, real: Region): Promise<void> {
    const answer = await real.call("DELETE", `/v1/profiles/${id}`);
    expect(answer.status).toBe(204);
    person.value = undefined;
  }

  toString(): string {
    return `delete ${this.name}`;
  }
}

/** A write on a condition: it holds exactly for the present tag. */
class Conditional extends Call {
  readonly stale: boolean;

  constructor(name: string, stale: boolean) {
    super(name);
    this.stale = stale;
  }

  protected async call(id: string, person: Person, real: Region): Promise<void> {
    const tag = this.stale || person.etag === "" ? '"AAAAAAAAAAAAAAAAAAAAAA"' : person.etag;
    const value = counted({ conditional: this.stale }, person);
    const answer = await real.put(id, { conditional: this.stale }, { "if-match": tag });
    if (this.stale || person.value === undefined) expect(answer.status).toBe(412);
    else written(person, answer, value);
  }

  toString(): string {
    return `put ${this.name} if ${this.stale ? "stale" : "present"}`;
  }
}

class LookBack extends Call {
  readonly at: number;

  constructor(name: string, at: number) {
    super(name);
    this.at = at;
  }

  protected async call(id: string, person: Person, real: Region): Promise<void> {
    const version = person.versions[this.at % Math.max(1, person.versions.length)];
    if (version === undefined) return;
    const past = await real.call("GET", `/v1/profiles/${id}?at=${version.heads}`);
    expect(past.text).toBe(canonicalJson(version.value));
    if (person.value === undefined) return;
    const diff = await real.call("GET", `/v1/profiles/${id}/diff?from=${version.heads}`);
    expect(diff.json).toEqual(diffJson(version.value, person.value));
  }

  toString(): string {
    return `look back at ${this.name} ${this.at}`;
  }
}

class Revert extends Call {
  readonly at: number;

  constructor(name: string, at: number) {
    super(name);
    this.at = at;
  }

  protected async call(id: string, person: Person, real: Region): Promise<void> {
    const version = person.versions[this.at % Math.max(1, person.versions.length)];
    if (version === undefined) return;
    const body = { to: version.heads.split(", ") };
    const answer = await real.call("POST", `/v1/profiles/${id}/revert`, { body });
    written(person, answer, counted(version.value, person));
  }

  toString(): string {
    return `revert ${this.name} to ${this.at}`;
  }
}

const name = fc.constantFrom("a", "b");
const scalar = fc.constantFrom<JsonValue>(0, 1, "x", "long", true, null);
const value: fc.Arbitrary<JsonObject> = fc.record(
  {
    a: fc.oneof(
      scalar,
      fc.dictionary(fc.constantFrom("b", "c"), scalar, { noNullPrototype: true }),
    ),
    list: fc.array(scalar, { maxLength: 3 }),
    text: fc.constantFrom("", "one", "one two"),
    word: fc.constantFrom("yes", "no", "on", "maybe"),
  },
  { requiredKeys: [], noNullPrototype: true },
);
const put = fc.tuple(name, value).map(([n, v]) => new Put(n, v));
const commands = [
  put,
  put, // or most calls would be about nobody
  put,
  fc.tuple(name, value).map(([n, v]) => new MergePatch(n, v)),
  fc.tuple(name, value, fc.option(value, { nil: undefined })).map((all) => new JsonPatch(...all)),
  fc
    .tuple(name, fc.integer({ min: -2, max: 3 }), fc.integer({ min: 1, max: 2 }))
    .map((all) => new Count(...all)),
  name.map((n) => new Remove(n)),
  fc.tuple(name, fc.boolean()).map((all) => new Conditional(...all)),
  fc.tuple(name, fc.nat(9)).map((all) => new LookBack(...all)),
  fc.tuple(name, fc.nat(9)).map((all) => new Revert(...all)),
];

test("a region is a map of JSON with conditions, counters and a past", async () => {
  let runs = 0;
  let versions = 0;
  await fc.assert(
    fc.asyncProperty(fc.commands(commands, { maxCommands: 30, size: "max" }), async (calls) => {
      const model: Model = { run: `run-${runs++}`, people: new Map(), keys: 0 };
      await fc.asyncModelRun(() => ({ model, real: region }), calls);
      for (const person of model.people.values()) versions += person.versions.length;
    }),
    { numRuns: 40 },
  );
  expect(versions).toBeGreaterThan(3 * runs);
}, 120_000);
