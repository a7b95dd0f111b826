/** Taking a region out of service for clients, and back. */
import { z } from "zod";
import { JSON_TYPE } from "../media-type.ts";
import type { Operation } from "./operation.ts";

const answer = {
  200: {
    description: "As it is now",
    content: { [JSON_TYPE]: z.object({ drained: z.boolean() }) },
  },
};

export const drain = {
  id: "drainRegion",
  method: "post",
  path: "/admin/v1/drain",
  summary:
    "Not ready from now on, so that load balancers send clients elsewhere; requests that come are still " +
    "served, and replication goes on. Until undrain or a restart",
  body: { [JSON_TYPE]: z.strictObject({}) },
  responses: answer,
  problems: [],
} satisfies Operation;

export const undrain = {
  ...drain,
  id: "undrainRegion",
  path: "/admin/v1/undrain",
  summary: "Ready again",
} satisfies Operation;
