/** The regions of the cluster, for clients that choose or change theirs. */
import { z } from "zod";
import { JSON_TYPE } from "../media-type.ts";
import type { Operation } from "./operation.ts";

export const regionList = z
  .object({
    /** The region that answers. */
    region: z.string(),
    regions: z.array(
      z.object({
        name: z.string(),
        /** Where it answers clients; null where this region has not been told. */
        endpoint: z.string().nullable(),
        /** Of the link from here: connecting, handshake, live, paused, down; `self` for this one. */
        link: z.string(),
        /** Age of what is held here of what it wrote; null when nothing is known. */
        lagMs: z.number().nullable(),
      }),
    ),
  })
  .meta({ id: "Regions" });

export const getRegions = {
  id: "getRegions",
  method: "get",
  path: "/v1/regions",
  summary:
    "The regions of the cluster as this one sees them: where they answer, and how far behind",
  responses: {
    200: { description: "This region first", content: { [JSON_TYPE]: regionList } },
  },
  problems: [],
} satisfies Operation;

export type RegionList = z.infer<typeof regionList>;
