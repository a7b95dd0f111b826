/** Routes that ask about a profile's past and its writers, and those that act on the answer. */
import { z } from "zod";
import { limits } from "@atoll/core";
import { OPERATIONS_TYPE, PATCHES_TYPE } from "../media-type.ts";
import { READ_HEADERS, SESSION_ANSWER, WRITE_HEADERS } from "./headers.ts";
import type { Operation } from "./operation.ts";
import { jsonPatch } from "./patches.ts";
import { WRITE_PROBLEMS, written, writtenMinimal } from "./profile-answer.ts";
import { changeHash, changeHashHex, headsText, innerPointer, jsonValue, time } from "./values.ts";

const PROFILE = "/v1/profiles/:id";

/** Heads as `Document-Heads` names them, or a moment. */
export const versionName = z
  .string()
  .meta({ description: "Heads, separated by commas, or a time (RFC 3339)" })
  .transform((text, context) => {
    const byTime = time.safeParse(text);
    if (byTime.success) return { kind: "time" as const, atMs: Date.parse(text) };
    const byHeads = headsText.safeParse(text);
    if (byHeads.success) return { kind: "heads" as const, heads: byHeads.data };
    context.addIssue("must be heads (64 hexadecimal digits each) or a time (RFC 3339)");
    return z.NEVER;
  });

export const change = z
  .object({
    hash: changeHashHex,
    deps: z.array(changeHashHex),
    region: z.string().nullable(),
    actor: z.string(),
    seq: z.int(),
    time: z.string(),
    message: z.string().nullable(),
    /** Who asked for it, where that is known. */
    principal: z.string().nullable(),
    opCount: z.int(),
  })
  .meta({ id: "Change" });

export const writer = change
  .pick({
    hash: true,
    deps: true,
    region: true,
    actor: true,
    seq: true,
    time: true,
    message: true,
    principal: true,
  })
  .meta({ id: "Writer" });

export const writtenValue = z
  .object({
    opId: z.string(),
    value: jsonValue,
    writer: writer.nullable(),
  })
  .meta({ id: "WrittenValue" });

const historyPlace = z
  .string()
  .meta({ description: "nextPageToken of the page before" })
  .transform((text) => /^(\d{1,15})\.([0-9a-f]{64})$/.exec(text))
  .transform((match, context) => {
    if (match !== null) return { maxOp: Number(match[1]), hash: match[2] ?? "" };
    context.addIssue("must be a nextPageToken of this history");
    return z.NEVER;
  });

export const getHistory = {
  id: "getProfileHistory",
  method: "get",
  path: `${PROFILE}/history`,
  summary: "The profile's changes, newest first, in an order that is the same in every region",
  query: z.object({
    pageSize: z.coerce
      .number()
      .int()
      .min(1)
      .max(limits.HISTORY_PAGE_MAX)
      .default(limits.HISTORY_PAGE_DEFAULT),
    pageToken: historyPlace.optional(),
  }),
  headers: READ_HEADERS,
  responses: {
    200: {
      headers: [...SESSION_ANSWER, "Link"],
      description: "A page of changes",
      content: {
        "application/json": z.object({
          items: z.array(change),
          nextPageToken: z.string().optional(),
        }),
      },
    },
  },
  problems: ["not-found", "session-not-available"],
} satisfies Operation;

const patchPath = z.array(z.union([z.string(), z.int()]));

/** As Automerge programs know them, about the profile as JSON. */
const valuePatch = z
  .discriminatedUnion("action", [
    z.object({ action: z.literal("put"), path: patchPath, value: jsonValue }),
    z.object({ action: z.literal("insert"), path: patchPath, values: z.array(jsonValue) }),
    z.object({ action: z.literal("del"), path: patchPath, length: z.int().optional() }),
    z.object({ action: z.literal("splice"), path: patchPath, value: z.string() }),
    z.object({ action: z.literal("inc"), path: patchPath, value: z.number() }),
  ])
  .meta({ id: "ValuePatch" });

export const getDiff = {
  id: "getProfileDiff",
  method: "get",
  path: `${PROFILE}/diff`,
  summary: "What changed between two versions: a JSON Patch, or patches by character and count",
  query: z.object({
    from: versionName,
    to: versionName.optional(),
    format: z.enum(["json-patch", "patches"]).default("json-patch"),
  }),
  headers: READ_HEADERS,
  responses: {
    200: {
      description: "The difference",
      headers: SESSION_ANSWER,
      content: {
        "application/json-patch+json": jsonPatch,
        /** With `format=patches`, or where nothing else is accepted. */
        [PATCHES_TYPE]: z.array(valuePatch),
      },
    },
  },
  problems: ["not-found", "session-not-available"],
} satisfies Operation;

export const getConflicts = {
  id: "getProfileConflicts",
  method: "get",
  path: `${PROFILE}/conflicts`,
  summary: "Where concurrent writes left more than the winner: who wrote what, where and when",
  headers: READ_HEADERS,
  responses: {
    200: {
      headers: SESSION_ANSWER,
      description: "All conflicts; the winner is the first of the values",
      content: {
        "application/json": z.object({
          items: z.array(
            z.object({
              pointer: innerPointer,
              winner: z.string(),
              values: z.array(writtenValue),
            }),
          ),
        }),
      },
    },
  },
  problems: ["not-found", "session-not-available"],
} satisfies Operation;

export const resolveConflict = {
  id: "resolveProfileConflict",
  method: "post",
  path: `${PROFILE}/conflicts/resolve`,
  summary: "Settles a conflict: one of its values stands, by its opId, or another one",
  body: {
    "application/json": z
      .strictObject({
        pointer: innerPointer,
        opId: z.string().optional(),
        value: jsonValue.optional(),
      })
      .refine(({ opId, value }) => (opId === undefined) !== (value === undefined), {
        error: 'either "opId" or "value" must be there, not both',
      }),
  },
  headers: WRITE_HEADERS,
  responses: {
    200: written(`The profile, as after a PATCH of ${OPERATIONS_TYPE}`),
    204: writtenMinimal,
  },
  problems: ["not-found", "stale-conflict", ...WRITE_PROBLEMS],
} satisfies Operation;

export const revertProfile = {
  id: "revertProfile",
  method: "post",
  path: `${PROFILE}/revert`,
  summary: "Takes the profile, or the named members of it, back to a version, as a new change",
  body: {
    "application/json": z.strictObject({
      to: z.array(changeHash).min(1).max(limits.VERSION_HEADS_MAX),
      paths: z.array(innerPointer).min(1).max(limits.REVERT_PATHS_MAX).optional(),
    }),
  },
  headers: WRITE_HEADERS,
  responses: {
    200: written("The profile"),
    201: written("It had been deleted, and is here again", ["Location"]),
    204: writtenMinimal,
  },
  problems: ["not-found", ...WRITE_PROBLEMS],
} satisfies Operation;

export const explainValue = {
  id: "explainProfileValue",
  method: "get",
  path: `${PROFILE}/explain`,
  summary: "Why a place of the profile shows what it shows",
  query: z.object({ pointer: innerPointer }),
  headers: READ_HEADERS,
  responses: {
    200: {
      headers: SESSION_ANSWER,
      description: "The value, who wrote it, what lost, and the rule that decided",
      content: {
        "application/json": z.object({
          pointer: innerPointer,
          kind: z.string(),
          value: jsonValue,
          rule: z.string(),
          opId: z.string().nullable(),
          writer: writer.nullable(),
          losers: z.array(writtenValue),
          parts: z.array(writtenValue),
        }),
      },
    },
  },
  problems: ["not-found", "session-not-available"],
} satisfies Operation;

export type WireChange = z.infer<typeof change>;
export type WireWriter = z.infer<typeof writer>;
export type WireValue = z.infer<typeof writtenValue>;
