/**
 * What routes need of a request, parsed once at the edge: ids, sessions and JSON bodies.
 *
 * Everything returns a value that the rooms behind can trust, or throws the `AtollError` that says
 * what to mend. Faults are told by rule, not by repeating the client's text.
 */
import type { Request } from "express";
import { AtollError, limits, parseProfileId } from "@atoll/core";
import type { ChangeHash, ProfileId } from "@atoll/core";
import { parseJson } from "@atoll/profile";
import type { JsonObject, JsonValue } from "@atoll/profile";
import { readBody } from "./body.ts";
import type { Reply } from "./answer.ts";
import { headsText } from "./contract/values.ts";
import { ownProfile } from "./ownership.ts";
import { departureSignal } from "./departure.ts";
import { forwardedMarkOf } from "./forwarded.ts";
import { headerOf } from "./header.ts";
import { JSON_TYPE, requireContentType } from "./media-type.ts";
import type { Preferences } from "./prefer.ts";
import type { ReceiptOptions, SessionOptions } from "./profile-service.ts";

/** The `:id` of the path; the router has decoded its percent-encoding. */
export function profileIdOf(request: Request, reply: Reply): ProfileId {
  const { id } = request.params;
  const parsed = typeof id === "string" ? parseProfileId(id) : undefined;
  if (parsed !== undefined) return ownProfile(reply, parsed);
  throw new AtollError(
    "malformed-request",
    "a profile id is a letter or digit, then up to 127 letters, digits or any of . _ : ~ -",
  );
}

/** How a request may wait, and what becomes of it when that was not enough. */
export interface Patience {
  readonly session: SessionOptions;
  /** Undefined when nothing is asked about other regions. */
  readonly receipt: ReceiptOptions | undefined;
  /** What the client asked to wait at most, all together; undefined when it named no time. */
  readonly waitMs: number | undefined;
  /** Another region may answer instead: the client does not mind, and the request was not handed on. */
  readonly mayForward: boolean;
}

/**
 * A request that may be handed on spends at most half of its time here, so that the other region has
 * some left. `canForward`: there is anybody to hand it to.
 */
export function patienceOf(
  request: Request,
  reply: Reply,
  preferences: Preferences,
  canForward: boolean,
): Patience {
  const token = sessionTokenOf(request);
  const mark = forwardedMarkOf(request);
  const { durability, handling } = preferences;
  const waitMs = mark?.waitMs ?? preferences.waitMs;
  const mayForward =
    canForward && token !== undefined && handling === undefined && mark === undefined;
  const sessionWaitMs = mayForward && waitMs !== undefined ? waitMs / 2 : waitMs;
  const mayWait = token !== undefined || durability !== undefined;
  return {
    session: {
      token,
      waitMs: sessionWaitMs ?? limits.SESSION_WAIT_MS_DEFAULT,
      handling: mark === undefined ? (handling ?? "strict") : "strict",
      ...(mayWait && { signal: departureSignal(reply) }),
    },
    receipt: durability && { durability, waitMs: waitMs ?? limits.RECEIPT_WAIT_MS_DEFAULT },
    waitMs,
    mayForward,
  };
}

function sessionTokenOf(request: Request): string | undefined {
  const token = headerOf(request, "session-token");
  if (token !== undefined && token.length > limits.SESSION_TOKEN_CHARS_MAX) {
    throw new AtollError(
      "malformed-request",
      `a Session-Token has at most ${limits.SESSION_TOKEN_CHARS_MAX} characters`,
    );
  }
  return token === "" ? undefined : token; // an empty header: a client without a session yet
}

/** `Base-Version`: the heads that the client saw, as `Document-Heads` gave them. */
export function baseVersionOf(request: Request): readonly ChangeHash[] | undefined {
  const header = headerOf(request, "base-version");
  if (header === undefined) return undefined;
  const parsed = headsText.safeParse(header);
  if (parsed.success) return parsed.data;
  throw new AtollError(
    "malformed-request",
    `Base-Version is a list of at most ${limits.VERSION_HEADS_MAX} changes, each 64 hexadecimal ` +
      "digits, as Document-Heads names them",
  );
}

export interface JsonBody {
  readonly value: JsonObject;
  /** As received. */
  readonly bytes: Uint8Array;
}

/** The body of a write: an object of the media type that the route takes. */
export async function readJsonObject(request: Request, type: string): Promise<JsonObject> {
  return (await readJsonBody(request, type)).value;
}

/** The same, with the bytes for whoever has to send them on. */
export async function readJsonBody(request: Request, type: string): Promise<JsonBody> {
  const { value, bytes } = await readJsonOf(request, [type]);
  return { value: asObject(value), bytes };
}

/** A body of one of these media types, whatever JSON it is. */
export async function readJsonOf<T extends string>(
  request: Request,
  types: readonly T[],
): Promise<{ readonly type: T; readonly value: JsonValue; readonly bytes: Uint8Array }> {
  const type = requireContentType(request, types);
  const bytes = await readBody(request, limits.BODY_BYTES_MAX);
  if (bytes.length === 0) throw new AtollError("malformed-request", "the body is empty");
  return { type, value: parseJson(bytes), bytes };
}

/** A body that holds many of what others hold one of: larger, and every part is checked again. */
export async function readBatch(request: Request): Promise<JsonBody> {
  requireContentType(request, [JSON_TYPE]);
  const bytes = await readBody(request, limits.BATCH_BODY_BYTES_MAX);
  if (bytes.length === 0) throw new AtollError("malformed-request", "the body is empty");
  return { value: asObject(parseJson(bytes, BATCH_BOUNDS)), bytes };
}

/** A write lies a few levels deep in its batch. */
const BATCH_BOUNDS = { depthMax: limits.JSON_DEPTH_MAX + 4, nodesMax: limits.BATCH_NODES_MAX };

export function asObject(value: JsonValue): JsonObject {
  if (isObject(value)) return value;
  const detail = "must be a JSON object";
  throw new AtollError("validation-failed", `the body ${detail}`, {
    faults: [{ pointer: "", detail, code: "type" }],
  });
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
