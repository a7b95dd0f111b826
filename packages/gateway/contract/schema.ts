/** The schema that profiles are held to, for whoever writes them. */
import { z } from "zod";
import { JSON_TYPE, SCHEMA_TYPE } from "../media-type.ts";
import type { Operation } from "./operation.ts";
import { innerPointer, jsonObject } from "./values.ts";

export const getSchema = {
  id: "getProfileSchema",
  method: "get",
  path: "/v1/schema",
  summary: "The JSON Schema (2020-12) of profiles; `x-crdt` says how a member merges",
  headers: ["If-None-Match"],
  responses: {
    200: {
      description: "The schema",
      headers: ["ETag"],
      content: { [SCHEMA_TYPE]: jsonObject },
    },
    304: { description: "What you have is current", headers: ["ETag"] },
  },
  problems: [],
} satisfies Operation;

export const getSchemaVersions = {
  id: "getProfileSchemaVersions",
  method: "get",
  path: "/v1/schema/versions",
  summary: "The versions that the schema says of itself, and the containers that each brought",
  responses: {
    200: {
      description: "Ascending; the last is in force",
      headers: ["ETag"],
      content: {
        [JSON_TYPE]: z.object({
          items: z.array(
            z.object({
              version: z.int(),
              current: z.boolean(),
              containers: z.array(z.object({ pointer: innerPointer, kind: z.string() })),
            }),
          ),
        }),
      },
    },
  },
  problems: [],
} satisfies Operation;
