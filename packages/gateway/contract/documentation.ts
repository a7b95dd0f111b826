/** What describes all routes, itself included. */
import { z } from "zod";
import { JSON_TYPE } from "../media-type.ts";
import type { Operation } from "./operation.ts";
import { jsonObject } from "./values.ts";

export const OPENAPI_YAML_TYPE = "application/yaml";
export const HTML_TYPE = "text/html";

const headers = ["ETag"] as const;
const notModified = { description: "What you have is current", headers };

export const getOpenapiJson = {
  id: "getOpenapiJson",
  method: "get",
  path: "/v1/openapi.json",
  summary: "This description: OpenAPI 3.1",
  headers: ["If-None-Match"],
  responses: {
    200: { description: "The description", headers, content: { [JSON_TYPE]: jsonObject } },
    304: notModified,
  },
  problems: [],
} satisfies Operation;

export const getOpenapiYaml = {
  ...getOpenapiJson,
  id: "getOpenapiYaml",
  path: "/v1/openapi.yaml",
  summary: "The same as YAML",
  responses: {
    200: { description: "The description", headers, content: { [OPENAPI_YAML_TYPE]: z.string() } },
    304: notModified,
  },
} satisfies Operation;

export const getDocs = {
  ...getOpenapiJson,
  id: "getDocs",
  path: "/v1/docs",
  summary: "The same as a page to read",
  responses: {
    200: { description: "The page", headers, content: { [HTML_TYPE]: z.string() } },
    304: notModified,
  },
} satisfies Operation;
