/** What a region says of itself to operators, and its links. */
import { z } from "zod";
import { JSON_TYPE } from "../media-type.ts";
import type { Operation } from "./operation.ts";
import { jsonObject } from "./values.ts";

const json = (description: string, schema: z.ZodType = jsonObject) => ({
  200: { description, content: { [JSON_TYPE]: schema } },
});
/** A region's name. */
export const regionParameter = { region: z.string() };

export const getStatus = {
  id: "getStatus",
  method: "get",
  path: "/admin/v1/status",
  summary: "How this region is: counts, sums, log, links, and what it covers of each other region",
  responses: json("The status"),
  problems: [],
} satisfies Operation;

export const getPeers = {
  id: "getPeers",
  method: "get",
  path: "/admin/v1/peers",
  summary: "The links alone: state, since when, why the last one ended, lag, and what waits",
  responses: json("The links", z.object({ peers: z.array(jsonObject) })),
  problems: [],
} satisfies Operation;

export const getConfig = {
  id: "getConfig",
  method: "get",
  path: "/admin/v1/config",
  summary: "The configuration that is in force, without secrets",
  responses: json("The configuration"),
  problems: [],
} satisfies Operation;

export const getBuild = {
  id: "getBuild",
  method: "get",
  path: "/admin/v1/build",
  summary: "What this is: version, runtime, libraries",
  responses: json("By name", z.record(z.string(), z.string())),
  problems: [],
} satisfies Operation;

export const getMetrics = {
  id: "getMetrics",
  method: "get",
  path: "/metrics",
  summary: "The exposition that a Prometheus server scrapes",
  responses: { 200: { description: "Text", content: { "text/plain": z.string() } } },
  problems: [],
} satisfies Operation;

export const setPeerState = {
  id: "setPeerState",
  method: "put",
  path: "/admin/v1/peers/:region/state",
  parameters: regionParameter,
  summary: "Cuts or heals the link to a region, in both directions",
  body: { [JSON_TYPE]: z.object({ state: z.enum(["active", "paused"]) }) },
  responses: json("As it is now", z.object({ region: z.string(), state: z.string() })),
  problems: ["not-found", "validation-failed"],
} satisfies Operation;
