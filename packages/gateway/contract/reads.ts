/** Reads of one profile and of many: their parameters, and lists page by page. */
import { z } from "zod";
import { fromHex, limits, parseDocId, parseHlc, parseProfileId } from "@atoll/core";
import { parseFields } from "../fields.ts";
import type { Operation } from "./operation.ts";
import { versionName } from "./past.ts";
import { changeHashHex, headsText, jsonObject, profileId, time } from "./values.ts";

const fieldNames = z.array(z.string()).min(1).max(limits.FIELDS_MAX);

const toFields = fieldNames.transform((names, context) => {
  const fields = parseFields(names);
  if (fields !== undefined) return fields;
  context.addIssue("must be JSON Pointers, of which the first slash may be left out");
  return z.NEVER;
});

export const fieldsText = z
  .string()
  .meta({ description: "Members to show, separated by commas: displayName,location/city" })
  .transform((text) => text.split(","))
  .pipe(toFields);

/** Of GET of one profile. */
export const readParameters = z.object({
  at: versionName.optional(),
  fields: fieldsText.optional(),
});

export const envelope = z.object({
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
});

const pageToken = z.string().transform((text, context) => {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
    const [order, first, second] = Array.isArray(parsed) ? (parsed as unknown[]) : [];
    if (order === "id" && typeof first === "string") {
      const after = parseProfileId(first);
      if (after !== undefined) return { order: "id" as const, after };
    }
    if (order === "updatedAt" && typeof first === "number" && typeof second === "string") {
      const [since, after] = [parseHlc(first), parseDocId(fromHex(second))];
      if (since !== undefined && after !== undefined) {
        return { order: "updatedAt" as const, since, after };
      }
    }
  } catch {
    // Falls through: whatever it is, it is not ours.
  }
  context.addIssue("must be a nextPageToken of this list");
  return z.NEVER;
});

export const listProfiles = {
  id: "listProfiles",
  method: "get",
  path: "/v1/profiles",
  summary: "Profiles of this region, page by page: by id, or by when they were last written",
  query: z
    .object({
      pageSize: z.coerce
        .number()
        .int()
        .min(1)
        .max(limits.LIST_PAGE_MAX)
        .default(limits.LIST_PAGE_DEFAULT),
      pageToken: pageToken.optional(),
      orderBy: z.enum(["id", "updatedAt"]).default("id"),
      updatedSince: time.transform((text) => Date.parse(text)).optional(),
      fields: fieldsText.optional(),
    })
    .refine(({ orderBy, updatedSince }) => updatedSince === undefined || orderBy === "updatedAt", {
      error: "needs orderBy=updatedAt",
      path: ["updatedSince"],
    })
    .refine(({ orderBy, pageToken: token }) => token === undefined || token.order === orderBy, {
      error: "is of a list in another order",
      path: ["pageToken"],
    }),
  responses: {
    200: {
      description: "A page; the profiles as in the envelope",
      content: {
        "application/json": z.object({
          items: z.array(envelope),
          nextPageToken: z.string().optional(),
        }),
      },
    },
  },
  problems: ["malformed-request"],
} satisfies Operation;

const batchGetBody = z.strictObject({
  ids: z.array(profileId).min(1).max(limits.BATCH_GET_MAX),
  fields: toFields.optional(),
});
const batchGetAnswer = z.object({
  items: z.array(
    z.union([
      envelope.extend({ status: z.literal(200) }),
      z.object({ id: z.string(), status: z.literal(404) }),
    ]),
  ),
});

export const batchGet = {
  id: "batchGetProfiles",
  method: "post",
  path: "/v1/profiles\\:batchGet",
  summary: "Many profiles by id, in the order asked for",
  body: { "application/json": batchGetBody },
  responses: {
    200: {
      description: "One item for each id",
      content: { "application/json": batchGetAnswer },
    },
  },
  problems: ["validation-failed", "payload-too-large"],
} satisfies Operation;

/** The same for whoever may send QUERY (RFC 10008): a read that has a body. */
export const queryProfiles = {
  ...batchGet,
  id: "queryProfiles",
  method: "query",
  path: "/v1/profiles",
} satisfies Operation;

export const getSnapshot = {
  id: "getProfileSnapshot",
  method: "get",
  path: "/v1/profiles/:id/snapshot",
  summary: "The profile's document as an Automerge file",
  responses: {
    200: {
      description: "What Automerge.load takes",
      content: { "application/vnd.automerge": z.instanceof(Uint8Array) },
    },
  },
  problems: ["not-found"],
} satisfies Operation;

export const getChanges = {
  id: "getProfileChanges",
  method: "get",
  path: "/v1/profiles/:id/changes",
  summary: "The document's changes that some heads do not have, one after the other",
  query: z.object({ heads: headsText.optional() }),
  responses: {
    200: {
      description: "What Automerge.loadIncremental takes",
      content: { "application/vnd.automerge.changes": z.instanceof(Uint8Array) },
    },
  },
  problems: ["malformed-request", "not-found", "unknown-base"],
} satisfies Operation;
