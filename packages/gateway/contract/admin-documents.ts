/** One document as this region has it, and as it would be merged with another region's. */
import { z } from "zod";
import { CHANGES_TYPE, JSON_TYPE } from "../media-type.ts";
import type { Operation } from "./operation.ts";
import { jsonPatch } from "./patches.ts";
import { binary, jsonValue } from "./values.ts";

const DOCUMENT = "/admin/v1/documents/:docId";

/** 32 hexadecimal digits. */
const parameters = { docId: z.string().regex(/^[0-9a-f]{32}$/) };

const version = { exists: z.boolean(), deleted: z.boolean(), profile: jsonValue };
const conflict = z
  .object({
    pointer: z.string(),
    /** Winner first. */
    values: z.array(
      z.object({ opId: z.string(), value: jsonValue, region: z.string().nullable() }),
    ),
  })
  .meta({ id: "AdminConflict" });

export const documentFacts = z
  .object({
    docId: z.string(),
    profileId: z.string().nullable(),
    tenant: z.string().nullable(),
    shard: z.int(),
    deleted: z.boolean(),
    quarantined: z.boolean(),
    changes: z.int(),
    sum: z.string(),
    heads: z.array(z.string()),
    conflicts: z.int(),
    createdAt: z.string(),
    updatedAt: z.string(),
  })
  .meta({ id: "DocumentFacts" });

export const documentContent = z
  .object({
    ...version,
    heads: z.array(z.string()),
    /** Newest first. */
    changes: z.array(
      z.object({
        hash: z.string(),
        region: z.string().nullable(),
        seq: z.int(),
        time: z.string(),
      }),
    ),
    conflicts: z.array(conflict),
  })
  .meta({ id: "DocumentContent" });

export const mergePreview = z
  .object({
    here: z.object(version),
    there: z.object(version),
    merged: z.object(version),
    /** What only one side has. */
    changes: z.object({ here: z.int(), there: z.int() }),
    /** What becomes of the profile on either side. */
    edits: z.object({ here: jsonPatch, there: jsonPatch }),
    /** Those that neither side has yet. */
    conflicts: z.array(conflict),
  })
  .meta({ id: "MergePreview" });

export const getDocumentFacts = {
  id: "getDocumentFacts",
  method: "get",
  path: DOCUMENT,
  parameters,
  summary: "What this region has of a document, without what is in it",
  responses: { 200: { description: "The facts", content: { [JSON_TYPE]: documentFacts } } },
  problems: ["malformed-request", "not-found"],
} satisfies Operation;

export const getDocumentContent = {
  id: "getDocumentContent",
  method: "get",
  path: `${DOCUMENT}/content`,
  parameters,
  summary: "The profile in it, its changes and its conflicts, of your own tenant",
  responses: { 200: { description: "The content", content: { [JSON_TYPE]: documentContent } } },
  problems: ["malformed-request", "not-found", "document-quarantined"],
} satisfies Operation;

export const getDocumentChanges = {
  id: "getDocumentChanges",
  method: "get",
  path: `${DOCUMENT}/changes`,
  parameters,
  summary: "Every change of it, for the preview of a merge in another region",
  responses: { 200: { description: "Changes", content: { [CHANGES_TYPE]: binary } } },
  problems: ["malformed-request", "not-found", "document-quarantined"],
} satisfies Operation;

export const previewMerge = {
  id: "previewMerge",
  method: "post",
  path: `${DOCUMENT}/merge-preview`,
  parameters,
  summary: "What the document would be together with another region's changes; nothing is written",
  body: { [CHANGES_TYPE]: binary },
  responses: { 200: { description: "The preview", content: { [JSON_TYPE]: mergePreview } } },
  problems: [
    "malformed-request",
    "not-found",
    "document-quarantined",
    "payload-too-large",
    "unsupported-media-type",
  ],
} satisfies Operation;

export const listActors = {
  id: "listActors",
  method: "get",
  path: "/admin/v1/actors",
  summary: "Every incarnation of every region that has written, with its last entry",
  responses: {
    200: {
      description: "By region and incarnation",
      content: {
        [JSON_TYPE]: z.object({
          actors: z.array(
            z
              .object({
                origin: z.string(),
                region: z.string().nullable(),
                incarnation: z.int(),
                own: z.boolean(),
                entries: z.int(),
                seqMax: z.int(),
                lastAt: z.string().nullable(),
              })
              .meta({ id: "Actor" }),
          ),
        }),
      },
    },
  },
  problems: [],
} satisfies Operation;

export type DocumentFacts = z.infer<typeof documentFacts>;
export type DocumentContent = z.infer<typeof documentContent>;
export type MergePreview = z.infer<typeof mergePreview>;
