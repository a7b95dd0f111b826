/** A profile as routes answer it, and what may be wrong with a write of one. */
import { z } from "zod";
import type { ErrorCode } from "@atoll/core";
import { ENVELOPE_TYPE, JSON_TYPE } from "../media-type.ts";
import { WRITE_ANSWER } from "./headers.ts";
import type { AnswerHeader } from "./headers.ts";
import type { Content } from "./operation.ts";
import { changeHashHex, jsonObject } from "./values.ts";

export const envelope = z
  .object({
    id: z.string(),
    etag: z.string(),
    heads: z.array(changeHashHex),
    createdAt: z.string(),
    updatedAt: z.string(),
    conflicts: z.literal(true).optional(),
    schemaFaults: z
      .array(z.object({ pointer: z.string(), detail: z.string(), code: z.string() }))
      .optional(),
    data: jsonObject,
  })
  .meta({ id: "ProfileEnvelope" });

/** The profile's own JSON, or the same with its metadata. */
export const profileContent = { [JSON_TYPE]: jsonObject, [ENVELOPE_TYPE]: envelope };

export function written(description: string, headers: readonly AnswerHeader[] = []): Content {
  return { description, content: profileContent, headers: [...WRITE_ANSWER, ...headers] };
}

export const writtenMinimal: Content = {
  description: "Done; nothing to show, as Prefer: return=minimal asks",
  headers: WRITE_ANSWER,
};

/** Of every route that reads a body. */
export const BODY_PROBLEMS: readonly ErrorCode[] = [
  "validation-failed",
  "payload-too-large",
  "unsupported-media-type",
  "storage-full",
  "storage-failed",
  "draining",
];

/** Of every write of one profile. */
export const WRITE_PROBLEMS: readonly ErrorCode[] = [
  ...BODY_PROBLEMS,
  "precondition-failed",
  "counter-requires-increment",
  "unknown-base",
  "idempotency-mismatch",
  "not-acceptable",
  "session-not-available",
  "outcome-unknown",
  "durability-not-met",
  "document-quarantined",
];
