/** What was set aside, and looking for what is damaged. */
import { z } from "zod";
import { limits } from "@atoll/core";
import { JSON_TYPE } from "../media-type.ts";
import type { Operation } from "./operation.ts";
import { jsonObject } from "./values.ts";

const json = (description: string, schema: z.ZodType = jsonObject) => ({
  200: { description, content: { [JSON_TYPE]: schema } },
});
const RECORD = "/admin/v1/quarantine/:id";
const parameters = { id: z.int().min(1) };
const nothing = { [JSON_TYPE]: z.looseObject({}) };

export const listQuarantine = {
  id: "listQuarantine",
  method: "get",
  path: "/admin/v1/quarantine",
  summary: "What was set aside because it could not be applied, newest first",
  query: z.object({
    limit: z.coerce
      .number()
      .int()
      .min(1)
      .max(limits.QUARANTINE_LISTED_MAX)
      .default(limits.QUARANTINE_LISTED_DEFAULT),
  }),
  responses: json("Records", z.object({ total: z.int(), entries: z.array(jsonObject) })),
  problems: [],
} satisfies Operation;

export const getQuarantined = {
  id: "getQuarantined",
  method: "get",
  path: RECORD,
  parameters,
  summary: "One record with its bytes",
  responses: json("The record"),
  problems: ["not-found"],
} satisfies Operation;

export const dropQuarantined = {
  id: "dropQuarantined",
  method: "delete",
  path: RECORD,
  parameters,
  summary: "Gives it up; regions that hold such a change bring it back",
  responses: { 204: { description: "It is gone" } },
  problems: ["not-found"],
} satisfies Operation;

export const retryQuarantined = {
  id: "retryQuarantined",
  method: "post",
  path: `${RECORD}/retry`,
  parameters,
  summary: "Has it judged again",
  body: nothing,
  responses: json(
    "What came of it",
    z.object({ outcome: z.string(), reason: z.string().nullable() }),
  ),
  problems: ["not-found"],
} satisfies Operation;

export const getVerification = {
  id: "getVerification",
  method: "get",
  path: "/admin/v1/verify",
  summary: "How far the verification is, and what it found; or what the last one found",
  responses: json("The report"),
  problems: [],
} satisfies Operation;

export const startVerification = {
  id: "startVerification",
  method: "post",
  path: "/admin/v1/verify",
  summary: "Looks through everything that is stored, and mends what can be",
  body: nothing,
  responses: { 202: { description: "It has begun", content: { [JSON_TYPE]: jsonObject } } },
  problems: ["already-running"],
} satisfies Operation;
