/**
 * `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): a request that may safely be sent again.
 *
 *     Idempotency-Key: "0198c1a2-…"        a new one for each request, the same for each repetition
 *
 * The mistake to avoid is an answer to another request than the one that was sent: the fingerprint covers
 * everything that decides what is done, so that a key that was used for something else is told, not
 * obeyed. What only decides how it is answered (Accept, Prefer) is not in it.
 */
import { hash } from "node:crypto";
import type { Request } from "express";
import { AtollError, limits } from "@atoll/core";
import { headerOf } from "./header.ts";
import type { Idempotency } from "./profile-service.ts";

const QUOTED = /^"([\x20\x21\x23-\x5b\x5d-\x7e]+)"$/;
const PLAIN = /^[\x21\x23-\x7e]+$/;

/** Undefined for a request without a key. Two principals may choose the same one. `part`: of a batch, each write is an attempt of its own. */
export function idempotencyOf(
  request: Request,
  principal: string,
  body: Uint8Array | undefined,
  part?: number,
): Idempotency | undefined {
  const header = headerOf(request, "idempotency-key");
  if (header === undefined) return undefined;
  const { method, originalUrl, headers } = request;
  const conditions = ["content-type", "if-match", "if-none-match", "base-version"];
  const about = conditions.map((name) => headers[name] ?? null);
  const words = JSON.stringify([method, originalUrl, ...about, part ?? null]);
  const fingerprint = hash(
    "sha256",
    Buffer.concat([Buffer.from(`${words}\0`), body ?? new Uint8Array()]),
    "buffer",
  );
  const key = hash("sha256", JSON.stringify([principal, parseKey(header), part ?? null]), "buffer");
  return { key, fingerprint };
}

/** A string of structured fields, or the same without quotes, as many clients send it. */
function parseKey(header: string): string {
  const key = QUOTED.exec(header)?.[1] ?? (PLAIN.test(header) ? header : undefined);
  if (key !== undefined && key.length <= limits.IDEMPOTENCY_KEY_CHARS_MAX) return key;
  throw new AtollError(
    "malformed-request",
    `an Idempotency-Key is one string of 1 to ${limits.IDEMPOTENCY_KEY_CHARS_MAX} printable characters`,
  );
}
