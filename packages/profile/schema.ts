/**
 * The shape of a profile, as far as merging depends on it.
 *
 * A JSON Schema (2020-12) says with one annotation how the values of a member merge:
 *
 *     "bio": { "type": "string", "x-crdt": "text" }             made by the genesis
 *     "notes": { "type": "string", "x-crdt": "text", "x-crdt-since": 2 }   made when used
 *
 * The genesis is the same constant change in every document for ever, so a container that was
 * forgotten cannot be slipped into it afterwards: `x-crdt-since` above 1 keeps it out. Only
 * `properties` of maps are walked; an annotation anywhere else would be silently without effect and
 * is therefore a fault.
 */
import { AtollError } from "@atoll/core";
import type { FieldFault } from "@atoll/core";
import type { JsonObject, JsonValue } from "./json.ts";
import { isJsonArray, isJsonObject, memberOf } from "./json.ts";
import { childPointer } from "./pointer.ts";

export type CrdtKind = "register" | "text" | "counter" | "set" | "list" | "map";

export interface SchemaNode {
  readonly kind: CrdtKind;
  /** Made by the genesis: lives under the member's own name, and its kind can never change. */
  readonly inGenesis: boolean;
  /** Declared members, for maps; in ascending order of name. */
  readonly members: ReadonlyMap<string, SchemaNode>;
}

export interface ProfileSchema {
  /** The document as it was given, for whoever shows or validates by it. */
  readonly source: JsonObject;
  readonly root: SchemaNode;
}

/** What JSON `type` each kind of container may be declared with. */
const JSON_TYPES: Readonly<Record<CrdtKind, readonly string[] | undefined>> = {
  register: undefined,
  text: ["string"],
  counter: ["integer", "number"],
  set: ["array"],
  list: ["array"],
  map: ["object"],
};

/** Keywords whose values are data, not schemas. */
const DATA_KEYWORDS = new Set(["examples", "default", "const", "enum"]);

/** Throws `AtollError("config-invalid")` with all faults at once. */
export function parseProfileSchema(source: JsonValue): ProfileSchema {
  const faults: FieldFault[] = [];
  if (!isJsonObject(source)) {
    throw schemaError([{ pointer: "", code: "type", detail: "a schema must be a JSON object" }]);
  }
  const visited = new Set<string>();
  const kind = memberOf(source, "x-crdt") ?? "map";
  visited.add("");
  if (kind !== "map") {
    faults.push({ pointer: "/x-crdt", code: "x-crdt", detail: 'a profile is a "map"' });
  }
  const members = parseMembers(source, { pointer: "", inGenesis: true, faults, visited });
  findStrayAnnotations(source, "", visited, faults);
  if (faults.length > 0) throw schemaError(faults);
  return { source, root: { kind: "map", inGenesis: true, members } };
}

interface Surroundings {
  readonly pointer: string;
  readonly inGenesis: boolean;
  readonly faults: FieldFault[];
  readonly visited: Set<string>;
}

function parseMembers(map: JsonObject, around: Surroundings): Map<string, SchemaNode> {
  const members = new Map<string, SchemaNode>();
  const properties = memberOf(map, "properties");
  if (properties === undefined) return members;
  const pointer = childPointer(around.pointer, "properties");
  if (!isJsonObject(properties)) {
    around.faults.push({ pointer, code: "type", detail: "must be an object" });
    return members;
  }
  for (const name of Object.keys(properties).sort()) {
    const schema = memberOf(properties, name);
    if (!isJsonObject(schema)) continue; // `true` and `false` are schemas too, without annotations
    const node = parseNode(name, schema, { ...around, pointer: childPointer(pointer, name) });
    if (node !== undefined) members.set(name, node);
  }
  return members;
}

function parseNode(name: string, schema: JsonObject, around: Surroundings): SchemaNode | undefined {
  const annotation = memberOf(schema, "x-crdt");
  const since = memberOf(schema, "x-crdt-since");
  const report = (keyword: string, detail: string): void => {
    around.faults.push({ pointer: childPointer(around.pointer, keyword), code: keyword, detail });
  };
  around.visited.add(around.pointer);
  if (annotation === undefined) {
    if (since !== undefined) report("x-crdt-since", 'has no meaning without "x-crdt"');
    return undefined;
  }
  if (typeof annotation !== "string" || !Object.hasOwn(JSON_TYPES, annotation)) {
    report("x-crdt", `must be one of ${Object.keys(JSON_TYPES).join(", ")}`);
    return undefined;
  }
  const kind = annotation as CrdtKind;
  if (!agrees(memberOf(schema, "type"), JSON_TYPES[kind])) {
    report("type", `"x-crdt": "${kind}" needs "type": "${JSON_TYPES[kind]?.join('" or "')}"`);
  }
  if (name === "" || name === "__proto__" || name.includes("/")) {
    report("x-crdt", "a declared member has a name without slashes");
  }
  if (since !== undefined && (!Number.isSafeInteger(since) || (since as number) < 1)) {
    report("x-crdt-since", "must be an integer from 1");
  }
  if (kind === "register") {
    if (since !== undefined) report("x-crdt-since", "a register needs no preparation");
    return { kind, inGenesis: false, members: new Map() };
  }
  const inGenesis = around.inGenesis && (since === undefined || since === 1);
  const members =
    kind === "map" ? parseMembers(schema, { ...around, inGenesis }) : new Map<string, SchemaNode>();
  return { kind, inGenesis, members };
}

function agrees(type: JsonValue | undefined, wanted: readonly string[] | undefined): boolean {
  if (type === undefined || wanted === undefined) return true;
  return typeof type === "string" && wanted.includes(type);
}

/** The schema's own depth is bounded by whoever parsed it (`parseJson`). */
function findStrayAnnotations(
  value: JsonValue,
  pointer: string,
  visited: ReadonlySet<string>,
  faults: FieldFault[],
): void {
  if (isJsonArray(value)) {
    value.forEach((item, i) =>
      findStrayAnnotations(item, childPointer(pointer, i), visited, faults),
    );
  } else if (isJsonObject(value)) {
    for (const name of Object.keys(value)) {
      const at = childPointer(pointer, name);
      const child = value[name] as JsonValue;
      // A member may itself be called "x-crdt"; then its value is a schema, not an annotation.
      if ((name === "x-crdt" || name === "x-crdt-since") && !isJsonObject(child)) {
        if (!visited.has(pointer)) {
          const detail = "has no effect here: annotate `properties` of maps";
          faults.push({ pointer: at, code: name, detail });
        }
      } else if (!DATA_KEYWORDS.has(name)) findStrayAnnotations(child, at, visited, faults);
    }
  }
}

function schemaError(faults: readonly FieldFault[]): AtollError {
  const lines = faults.map((fault) => `${fault.pointer || "/"}: ${fault.detail}`).join("; ");
  return new AtollError("config-invalid", `the profile schema is not usable: ${lines}`, {
    faults,
    mend: "correct the schema file",
  });
}
