/** What Kubernetes and load balancers ask. */
import { z } from "zod";
import type { Operation } from "./operation.ts";

const TEXT_TYPE = "text/plain";
const text = z.string();

export const getLive = {
  id: "getLive",
  method: "get",
  path: "/livez",
  summary: "The process turns its event loop",
  responses: { 200: { description: "It does", content: { [TEXT_TYPE]: text } } },
  problems: [],
} satisfies Operation;

export const getStarted = {
  id: "getStarted",
  method: "get",
  path: "/startupz",
  summary: "The region has started: its store is open and recovered",
  responses: { 200: { description: "It has", content: { [TEXT_TYPE]: text } } },
  problems: [],
} satisfies Operation;

export const getReady = {
  id: "getReady",
  method: "get",
  path: "/readyz",
  summary: "Requests should be sent here",
  query: z.object({
    verbose: z
      .string()
      .optional()
      .meta({ description: "Whatever its value: a line for each check" }),
  }),
  responses: {
    200: { description: "They should", content: { [TEXT_TYPE]: text } },
    503: { description: "They should not", content: { [TEXT_TYPE]: text } },
  },
  problems: [],
} satisfies Operation;
