/** The schema that profiles are held to, for whoever writes them. */
import { SCHEMA_TYPE } from "../media-type.ts";
import type { Operation } from "./operation.ts";
import { jsonObject } from "./values.ts";

export const getSchema = {
  id: "getProfileSchema",
  method: "get",
  path: "/v1/schema",
  summary: "The JSON Schema (2020-12) of profiles; `x-crdt` says how a member merges",
  responses: { 200: { description: "The schema", content: { [SCHEMA_TYPE]: jsonObject } } },
  problems: [],
} satisfies Operation;
