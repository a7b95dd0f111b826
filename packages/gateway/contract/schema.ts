/** The schema that profiles are held to, for whoever writes them. */
import { SCHEMA_TYPE } from "../media-type.ts";
import type { Operation } from "./operation.ts";
import { jsonObject } from "./values.ts";

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
