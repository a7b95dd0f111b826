/** Reads of one profile and of many: their parameters, and lists page by page. */
import { z } from "zod";
import { fromHex, limits, parseDocId, parseHlc, parseProfileId } from "@atoll/core";
import { parseFields } from "../fields.ts";
import { READ_HEADERS, SESSION_ANSWER } from "./headers.ts";
import type { Operation } from "./operation.ts";
import { BODY_PROBLEMS, envelope } from "./profile-answer.ts";
import { binary, headsText, profileId, time } from "./values.ts";

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

const pageToken = z
  .string()
  .meta({ description: "nextPageToken of the page before" })
  .transform((text, context) => {
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
  headers: READ_HEADERS,
  responses: {
    200: {
      description: "A page; the profiles as in the envelope",
      headers: [...SESSION_ANSWER, "Link"],
      content: {
        "application/json": z.object({
          items: z.array(envelope),
          nextPageToken: z.string().optional(),
        }),
      },
    },
  },
  problems: ["session-not-available"],
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
  headers: READ_HEADERS,
  body: { "application/json": batchGetBody },
  responses: {
    200: {
      headers: SESSION_ANSWER,
      description: "One item for each id",
      content: { "application/json": batchGetAnswer },
    },
  },
  problems: [...BODY_PROBLEMS, "session-not-available"],
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
  headers: READ_HEADERS,
  responses: {
    200: {
      description: "What Automerge.load takes",
      headers: [...SESSION_ANSWER, "ETag"],
      content: { "application/vnd.automerge": binary },
    },
  },
  problems: ["not-found", "session-not-available"],
} satisfies Operation;

export const getChanges = {
  id: "getProfileChanges",
  method: "get",
  path: "/v1/profiles/:id/changes",
  summary: "The document's changes that some heads do not have, one after the other",
  query: z.object({ heads: headsText.optional() }),
  headers: READ_HEADERS,
  responses: {
    200: {
      description: "What Automerge.loadIncremental takes",
      headers: SESSION_ANSWER,
      content: { "application/vnd.automerge.changes": binary },
    },
  },
  problems: ["not-found", "unknown-base", "session-not-available"],
} satisfies Operation;
