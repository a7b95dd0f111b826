/** One profile under its id: read, put, changed, removed. */
import { z } from "zod";
import { JSON_PATCH_TYPE, JSON_TYPE, MERGE_PATCH_TYPE, OPERATIONS_TYPE } from "../media-type.ts";
import { PROFILE_ANSWER, READ_HEADERS, WRITE_ANSWER, WRITE_HEADERS } from "./headers.ts";
import type { Operation } from "./operation.ts";
import { versionName } from "./past.ts";
import { jsonPatch, nativeOperations } from "./patches.ts";
import { WRITE_PROBLEMS, profileContent, written, writtenMinimal } from "./profile-answer.ts";
import { fieldsText } from "./reads.ts";
import { jsonObject } from "./values.ts";

const path = "/v1/profiles/:id";

export const getProfile = {
  id: "getProfile",
  method: "get",
  path,
  summary: "A profile: its own JSON, or with metadata in an envelope; as it is, or as it was",
  query: z.object({ at: versionName.optional(), fields: fieldsText.optional() }),
  headers: [...READ_HEADERS, "If-Match", "If-None-Match"],
  responses: {
    200: { description: "The profile", content: profileContent, headers: PROFILE_ANSWER },
    304: { description: "What you have is current", headers: PROFILE_ANSWER },
  },
  problems: [
    "not-found",
    "not-acceptable",
    "precondition-failed",
    "unknown-base",
    "session-not-available",
    "document-quarantined",
  ],
} satisfies Operation;

export const putProfile = {
  id: "putProfile",
  method: "put",
  path,
  summary: "Makes the profile what the body says; what is the same already is not touched",
  headers: WRITE_HEADERS,
  body: { [JSON_TYPE]: jsonObject },
  responses: {
    200: written("The profile"),
    201: written("The profile, which was not here before", ["Location"]),
    204: writtenMinimal,
  },
  problems: ["not-found", ...WRITE_PROBLEMS],
} satisfies Operation;

export const patchProfile = {
  id: "patchProfile",
  method: "patch",
  path,
  summary: "Changes members: by merge-patch, by JSON Patch, or by native operations; all or none",
  query: z.object({
    upsert: z
      .enum(["true", "false"], { error: "must be true or false" })
      .default("false")
      .transform((text) => text === "true")
      .meta({ description: "A profile that is not here is created" }),
  }),
  headers: WRITE_HEADERS,
  body: {
    [MERGE_PATCH_TYPE]: jsonObject,
    [JSON_PATCH_TYPE]: jsonPatch,
    [OPERATIONS_TYPE]: nativeOperations,
  },
  responses: {
    200: written("The profile"),
    201: written("The profile, which was not here before", ["Location"]),
    204: writtenMinimal,
  },
  problems: ["not-found", "patch-test-failed", "stale-conflict", ...WRITE_PROBLEMS],
} satisfies Operation;

export const deleteProfile = {
  id: "deleteProfile",
  method: "delete",
  path,
  summary: "Removes the profile from view; a concurrent edit elsewhere brings it back",
  headers: WRITE_HEADERS,
  responses: { 204: { description: "It is not here now", headers: WRITE_ANSWER } },
  problems: [
    "precondition-failed",
    "unknown-base",
    "idempotency-mismatch",
    "session-not-available",
    "outcome-unknown",
    "durability-not-met",
    "document-quarantined",
    "storage-full",
    "storage-failed",
    "draining",
  ],
} satisfies Operation;
