/**
 * JSON from strangers, made safe before anything looks at it.
 *
 * `JSON.parse` accepts what a profile must not hold: nesting deep enough to kill Automerge's module
 * (and with it every open document), `1e400` that becomes Infinity, integers that silently lose
 * digits, lone surrogates that no UTF-8 can carry, and the member `__proto__`. All of it is refused
 * here, once, with every fault named, so that no later file has to check again.
 */
import { AtollError, limits } from "@atoll/core";
import type { FieldFault } from "@atoll/core";
import { childPointer } from "./pointer.ts";

export type JsonScalar = string | number | boolean | null;
export type JsonValue = JsonScalar | JsonArray | JsonObject;
export type JsonArray = readonly JsonValue[];
export interface JsonObject {
  readonly [member: string]: JsonValue;
}

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isJsonArray(value: JsonValue | undefined): value is JsonArray {
  return Array.isArray(value);
}

export function isJsonScalar(value: JsonValue | undefined): value is JsonScalar {
  return value !== undefined && (value === null || typeof value !== "object");
}

/** An own member, never something inherited: `constructor` is an ordinary name for a field. */
export function memberOf(object: JsonObject, member: string): JsonValue | undefined {
  return Object.hasOwn(object, member) ? object[member] : undefined;
}

/** Adds a member under any name; a plain assignment to `__proto__` would change the prototype. */
export function setMember(
  object: Record<string, JsonValue>,
  member: string,
  value: JsonValue,
): void {
  if (member === "__proto__") {
    Object.defineProperty(object, member, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  } else {
    object[member] = value;
  }
}

/**
 * Throws `AtollError`: `malformed-request` for what is not JSON in UTF-8 (a byte order mark
 * included), `validation-failed` with all faults for what is JSON and breaks a bound.
 */
export function parseJson(bytes: Uint8Array, bounds: JsonBounds = PROFILE_BOUNDS): JsonValue {
  const depth = bracketDepth(bytes);
  if (depth > bounds.depthMax) {
    throw invalid([
      {
        pointer: "",
        code: "too-deep",
        detail: `nested ${depth} levels deep; at most ${bounds.depthMax} are accepted`,
      },
    ]);
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new AtollError("malformed-request", "the body is not UTF-8", {}, cause);
  }
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new AtollError("malformed-request", `the body is not JSON: ${reason}`, {}, cause);
  }
  if (Object.is(value, -0)) return 0;
  const faults = jsonFaults(value, bounds);
  if (faults.length > 0) throw invalid(faults);
  return value;
}

/** The same for a body that must be an object, as every profile and every patch is. */
export function parseJsonObject(bytes: Uint8Array): JsonObject {
  const value = parseJson(bytes);
  if (!isJsonObject(value)) {
    throw invalid([{ pointer: "", code: "type", detail: "must be a JSON object" }]);
  }
  return value;
}

/** A body that holds several profiles may be larger than one profile. */
export interface JsonBounds {
  readonly depthMax: number;
  /** Members and items, all levels together. */
  readonly nodesMax: number;
}

const PROFILE_BOUNDS: JsonBounds = {
  depthMax: limits.JSON_DEPTH_MAX,
  nodesMax: limits.JSON_NODES_MAX,
};

interface Visit {
  readonly value: JsonValue;
  readonly depth: number;
  readonly name: string;
  readonly parent: Visit | undefined;
}

/**
 * Everything wrong with a parsed value, in order of a walk with an explicit stack: this also guards
 * edits that were not parsed from bytes, and those may be nested without a bound. Turns −0 into 0.
 */
export function jsonFaults(root: JsonValue, bounds: JsonBounds = PROFILE_BOUNDS): FieldFault[] {
  const faults: FieldFault[] = [];
  const stack: Visit[] = [{ value: root, depth: 0, name: "", parent: undefined }];
  let nodes = 0;
  for (let visit = stack.pop(); visit !== undefined; visit = stack.pop()) {
    const { value, depth } = visit;
    const report = (code: string, detail: string): void => {
      if (faults.length < limits.FAULTS_MAX)
        faults.push({ pointer: pointerOf(visit), code, detail });
    };
    const isUnnamed = visit.parent === undefined || Array.isArray(visit.parent.value);
    const ofName = isUnnamed ? undefined : nameFault(visit.name);
    if (ofName !== undefined) report("member-name", ofName);
    if (typeof value === "string") {
      if (!value.isWellFormed()) report("lone-surrogate", "must be well-formed Unicode");
    } else if (typeof value === "number") {
      const fault = numberFault(value);
      if (fault !== undefined) report("number-range", fault);
    } else if (typeof value === "object" && value !== null) {
      if (depth >= bounds.depthMax) {
        report("too-deep", `nested deeper than ${bounds.depthMax} levels`);
        continue;
      }
      const names = Object.keys(value);
      nodes += names.length;
      if (nodes > bounds.nodesMax) {
        report("too-many-values", `more than ${bounds.nodesMax} members and items`);
        return faults;
      }
      for (let i = names.length - 1; i >= 0; i--) {
        const name = names[i] as string;
        const child = (value as Record<string, JsonValue>)[name] as JsonValue;
        if (Object.is(child, -0)) (value as Record<string, JsonValue>)[name] = 0;
        stack.push({ value: child, depth: depth + 1, name, parent: visit });
      }
    }
  }
  return faults;
}

/** The one error for a body that is JSON and still unacceptable. */
export function invalid(faults: readonly FieldFault[]): AtollError {
  const first = faults[0];
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : "";
  const detail = first === undefined ? "invalid" : `${first.pointer || "body"}: ${first.detail}`;
  return new AtollError("validation-failed", detail + more, { faults });
}

function numberFault(value: number): string | undefined {
  if (!Number.isFinite(value)) return "must be finite";
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    return "integers must lie within ±(2^53 − 1)";
  }
  return undefined;
}

function nameFault(name: string): string | undefined {
  if (name === "__proto__") return "this member name is not accepted";
  if (!name.isWellFormed()) return "member names must be well-formed Unicode";
  if (name.length > limits.JSON_KEY_BYTES_MAX || utf8Bytes(name) > limits.JSON_KEY_BYTES_MAX) {
    return `member names have at most ${limits.JSON_KEY_BYTES_MAX} bytes`;
  }
  return undefined;
}

function utf8Bytes(text: string): number {
  return text.length * 3 <= limits.JSON_KEY_BYTES_MAX ? 0 : Buffer.byteLength(text, "utf8");
}

function pointerOf(visit: Visit): string {
  const names: string[] = [];
  for (let at = visit; at.parent !== undefined; at = at.parent) names.push(at.name);
  return names.reverse().reduce(childPointer, "");
}

/** The deepest nesting of brackets outside strings; for what is not JSON, any number will do. */
function bracketDepth(bytes: Uint8Array): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (inString) {
      if (byte === 0x5c) i++;
      else if (byte === 0x22) inString = false;
    } else if (byte === 0x22) inString = true;
    else if (byte === 0x7b || byte === 0x5b) deepest = Math.max(deepest, ++depth);
    else if (byte === 0x7d || byte === 0x5d) depth--;
  }
  return deepest;
}
