/**
 * What routes need of a request, parsed once at the edge: ids, sessions and JSON bodies.
 *
 * Everything returns a value that the rooms behind can trust, or throws the `AtollError` that says
 * what to mend. Faults are told by rule, not by repeating the client's text.
 */
import type { Request } from "express";
import { AtollError, limits, parseProfileId } from "@atoll/core";
import type { ProfileId } from "@atoll/core";
import { parseJson } from "@atoll/profile";
import type { JsonObject, JsonValue } from "@atoll/profile";
import { readBody } from "./body.ts";
import { requireContentType } from "./media-type.ts";
import type { Preferences } from "./prefer.ts";
import type { SessionOptions } from "./profile-service.ts";

/** The `:id` of the path; the router has decoded its percent-encoding. */
export function profileIdOf(request: Request): ProfileId {
  const { id } = request.params;
  const parsed = typeof id === "string" ? parseProfileId(id) : undefined;
  if (parsed !== undefined) return parsed;
  throw new AtollError(
    "malformed-request",
    "a profile id is a letter or digit, then up to 127 letters, digits or any of . _ : ~ -",
  );
}

export function sessionOf(request: Request, preferences: Preferences): SessionOptions {
  const token = request.get("session-token");
  if (token !== undefined && token.length > limits.SESSION_TOKEN_CHARS_MAX) {
    throw new AtollError(
      "malformed-request",
      `a Session-Token has at most ${limits.SESSION_TOKEN_CHARS_MAX} characters`,
    );
  }
  return {
    token: token === "" ? undefined : token, // an empty header: a client without a session yet
    waitMs: preferences.waitMs ?? limits.SESSION_WAIT_MS_DEFAULT,
    handling: preferences.handling ?? "strict",
  };
}

/**
 * `?upsert=true` on a PATCH. Anything but a plain yes or no is refused: it decides what is
 * written.
 */
export function upsertOf(request: Request): boolean {
  const { upsert } = request.query;
  if (upsert === undefined || upsert === "false") return false;
  if (upsert === "true") return true;
  throw new AtollError("malformed-request", "upsert must be true or false");
}

/** The body of a write: an object of the media type that the route takes. */
export async function readJsonObject(request: Request, type: string): Promise<JsonObject> {
  requireContentType(request, type);
  const bytes = await readBody(request, limits.BODY_BYTES_MAX);
  if (bytes.length === 0) throw new AtollError("malformed-request", "the body is empty");
  const value = parseJson(bytes);
  if (isObject(value)) return value;
  const detail = "must be a JSON object";
  throw new AtollError("validation-failed", `the body ${detail}`, {
    faults: [{ pointer: "", detail, code: "type" }],
  });
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
