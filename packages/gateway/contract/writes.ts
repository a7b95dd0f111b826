/** Writes of many profiles in one request: each is atomic alone. */
import { z } from "zod";
import { limits } from "@atoll/core";
import { SESSION_ANSWER, SESSION_HEADERS } from "./headers.ts";
import type { Operation } from "./operation.ts";
import { jsonPatch, nativeOperations } from "./patches.ts";
import { BODY_PROBLEMS, envelope } from "./profile-answer.ts";
import { heads, jsonObject, profileId } from "./values.ts";

const about = {
  id: profileId,
  /** As in the headers of the same name. */
  ifMatch: z.string().optional(),
  ifNoneMatch: z.string().optional(),
  baseVersion: heads.optional(),
};
/** With `Prefer: durability`: the regions that hold the write on disk. */
const durableIn = z.array(z.string()).optional();
const upsert = z.boolean().default(false);

const write = z.discriminatedUnion("method", [
  z.strictObject({ method: z.literal("put"), ...about, data: jsonObject }),
  z.strictObject({ method: z.literal("mergePatch"), ...about, upsert, patch: jsonObject }),
  z.strictObject({ method: z.literal("jsonPatch"), ...about, upsert, operations: jsonPatch }),
  z.strictObject({
    method: z.literal("operations"),
    ...about,
    upsert,
    operations: nativeOperations,
  }),
  z.strictObject({ method: z.literal("delete"), ...about }),
]);

export type BatchedWrite = z.infer<typeof write>;

export const batchWrite = {
  id: "batchWriteProfiles",
  method: "post",
  path: "/v1/profiles\\:batchWrite",
  summary: "Many writes, each atomic alone: some may be refused while others are done",
  headers: [...SESSION_HEADERS, "Idempotency-Key"],
  body: {
    "application/json": z.strictObject({
      writes: z.array(write).min(1).max(limits.BATCH_WRITE_MAX),
    }),
  },
  responses: {
    200: {
      headers: SESSION_ANSWER,
      description: "One item for each write, in order, with the status that it alone would have",
      content: {
        "application/json": z.object({
          items: z.array(
            z.union([
              envelope.extend({ status: z.union([z.literal(200), z.literal(201)]), durableIn }),
              /** Deleted, or `return=minimal`. */
              z.object({
                id: z.string(),
                status: z.union([z.literal(201), z.literal(204)]),
                durableIn,
              }),
              z.object({ id: z.string(), status: z.int(), problem: jsonObject }),
            ]),
          ),
        }),
      },
    },
  },
  problems: [...BODY_PROBLEMS, "session-not-available"],
} satisfies Operation;
