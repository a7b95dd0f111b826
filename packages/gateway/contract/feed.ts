/** The change feed: a page, lines without end, or server-sent events. */
import { z } from "zod";
import { limits } from "@atoll/core";
import { EVENT_STREAM_TYPE, JSON_TYPE, NDJSON_TYPE } from "../media-type.ts";
import type { Operation } from "./operation.ts";
import { changeHashHex, innerPointer, jsonObject } from "./values.ts";

const namedWrite = {
  change: changeHashHex,
  region: z.string().nullable(),
  writtenAt: z.string(),
};

/** An acknowledged write that a concurrent one overrode, before the change that made them meet. */
export const supersededEvent = z
  .object({
    cursor: z.string(),
    type: z.literal("superseded"),
    id: z.string(),
    pointer: innerPointer,
    ...namedWrite,
    winner: z.object(namedWrite).nullable(),
  })
  .meta({ id: "SupersededEvent" });

export const changeEvent = z
  .object({
    cursor: z.string(),
    type: z.enum(["change", "delete"]),
    id: z.string(),
    /** Where it was written, and when by that region's clock. */
    region: z.string(),
    writtenAt: z.string(),
    etag: z.string(),
    conflicts: z.boolean(),
    /** With `include=data`. */
    data: jsonObject.optional(),
  })
  .meta({ id: "ChangeEvent" });

export const feedEvent = z.union([changeEvent, supersededEvent]).meta({ id: "FeedEvent" });

export const getFeed = {
  id: "getChanges",
  method: "get",
  path: "/v1/changes",
  summary: "Which profiles changed, in the order in which this region applied it, at least once",
  query: z.object({
    since: z
      .string({ error: "may be sent once" })
      .optional()
      .meta({ description: "A cursor of this region, or `now`; the beginning when left away" }),
    limit: z.coerce
      .number()
      .int()
      .min(1)
      .max(limits.FEED_EVENTS_MAX)
      .default(limits.FEED_EVENTS_DEFAULT)
      .meta({ description: "Of a page" }),
    include: z.enum(["data", "none"], { error: "must be data or none" }).default("none"),
  }),
  headers: ["Last-Event-ID", "Prefer"],
  responses: {
    200: {
      description: "A page; or events until either side hangs up",
      headers: ["Preference-Applied"],
      content: {
        [JSON_TYPE]: z.object({
          events: z.array(feedEvent),
          cursor: z.string(),
          more: z.boolean(),
        }),
        [NDJSON_TYPE]: z.string().meta({ description: "An event, as on a page, on each line" }),
        [EVENT_STREAM_TYPE]: z.string().meta({
          description:
            "`change`, `delete`, `superseded` and `reset` events; `data` is as on a page",
        }),
      },
    },
  },
  problems: ["not-acceptable", "cursor-expired", "storage-failed"],
} satisfies Operation;
