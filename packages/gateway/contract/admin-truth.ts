/** What a region holds at a cut, so that whoever asks all of them can compare. */
import { z } from "zod";
import { limits } from "@atoll/core";
import { JSON_TYPE } from "../media-type.ts";
import { regionParameter } from "./admin-region.ts";
import type { Operation } from "./operation.ts";

const CUT_PARTS_MAX = 63;

/** `us-east-1:123,eu-west-1:456` */
export const cutText = z
  .string()
  .min(1)
  .meta({ description: "A timestamp for each region: NAME:NUMBER, separated by commas" })
  .transform((text, context) => {
    const parts = text.split(",");
    const entries = parts.map((part) => /^([a-z][a-z0-9-]{0,31}):(\d{1,16})$/.exec(part.trim()));
    if (parts.length <= CUT_PARTS_MAX && entries.every((entry) => entry !== null)) {
      return Object.fromEntries(entries.map(([, name = "", hlc]) => [name, Number(hlc)]));
    }
    context.addIssue("must be NAME:NUMBER for each region, separated by commas");
    return z.NEVER;
  });

const vector = z.record(z.string(), z.int()).meta({ id: "Cut" });
const digest = z.string().regex(/^[0-9a-f]{64}$/);
const sum = z.object({ changes: z.int(), sum: digest }).meta({ id: "Sum" });
const documentName = { docId: z.string(), profileId: z.string().nullable() };

export const holdings = z
  .object({
    region: z.string(),
    /** Everything up to here is held; of the region itself, everything so far. */
    held: vector,
    /** Sums at cuts below are not known any more. */
    horizon: vector,
    shards: z.int(),
  })
  .meta({ id: "Holdings" });

export const shardSums = z
  .object({ region: z.string(), cut: vector, root: sum, shards: z.array(sum) })
  .meta({ id: "ShardSums" });

export const nodeAtCut = z
  .object({
    children: z.array(sum),
    /** Null when they are too many to list. */
    documents: z.array(sum.extend(documentName)).nullable(),
  })
  .meta({ id: "NodeAtCut" });

export const aboveCut = z
  .object({
    total: z.object({ documents: z.int(), changes: z.int() }),
    /** False when the log does not tell all of it. */
    complete: z.boolean(),
    documents: z.array(z.object({ ...documentName, changes: z.int(), heads: z.array(z.string()) })),
    next: z.string().nullable(),
  })
  .meta({ id: "AboveCut" });

export const signedStatement = z
  .object({
    statement: z.object({
      cluster: z.string(),
      region: z.string(),
      /** Which incarnation of the region's database says so. */
      origin: z.string(),
      at: z.string(),
      cut: vector,
      changes: z.int(),
      root: digest,
      shards: z.array(digest),
    }),
    /** Ed25519, base64url, over the statement. */
    signature: z.string(),
  })
  .meta({ id: "SignedStatement" });

const json = (description: string, schema: z.ZodType) => ({
  200: { description, content: { [JSON_TYPE]: schema } },
});

export const getHoldings = {
  id: "getHoldings",
  method: "get",
  path: "/admin/v1/merkle",
  summary: "Up to when everything of each region is held here: what a cut is made of",
  responses: json("Up to when", holdings),
  problems: ["storage-failed"],
} satisfies Operation;

export const getShardSums = {
  id: "getShardSums",
  method: "get",
  path: "/admin/v1/merkle/shards",
  summary: "The sum of every shard at a cut: equal in two regions that hold the same up to there",
  query: z.object({ cut: cutText }),
  responses: json("The sums", shardSums),
  problems: ["cut-unavailable"],
} satisfies Operation;

export const getNode = {
  id: "getNode",
  method: "get",
  path: "/admin/v1/merkle/node",
  summary:
    "What lies under a node of the tree at a cut: sums of its parts, and its documents if few",
  query: z.object({
    cut: cutText,
    depth: z.coerce.number().int().min(0).max(52),
    index: z.coerce
      .number()
      .int()
      .min(0)
      .max(2 ** 52 - 1),
    fanBits: z.coerce.number().int().min(0).max(limits.ANTI_ENTROPY_FAN_BITS_MIN).default(0),
  }),
  responses: json("The node", nodeAtCut),
  problems: ["cut-unavailable"],
} satisfies Operation;

export const getAboveCut = {
  id: "getAboveCut",
  method: "get",
  path: "/admin/v1/merkle/above",
  summary: "The documents that have changes above a cut, with the heads that they have now",
  query: z.object({
    cut: cutText,
    after: z.string().optional(),
    limit: z.coerce
      .number()
      .int()
      .min(1)
      .max(limits.ABOVE_CUT_LISTED_MAX)
      .default(limits.ABOVE_CUT_LISTED_DEFAULT),
  }),
  responses: json("A page of them", aboveCut),
  problems: ["cut-unavailable"],
} satisfies Operation;

export const getStatement = {
  id: "getStatement",
  method: "get",
  path: "/admin/v1/merkle/statement",
  summary: "What this region holds at a cut, signed: its part of a convergence certificate",
  query: z.object({ cut: cutText }),
  responses: json("The statement", signedStatement),
  problems: ["cut-unavailable"],
} satisfies Operation;

export const getKeys = {
  id: "getKeys",
  method: "get",
  path: "/admin/v1/keys",
  summary: "The public keys with which the regions of this cluster sign their statements",
  responses: json(
    "By region: Ed25519, base64url",
    z.object({ cluster: z.string(), keys: z.record(z.string(), z.string()) }).meta({ id: "Keys" }),
  ),
  problems: [],
} satisfies Operation;

export const comparePeer = {
  id: "comparePeer",
  method: "post",
  path: "/admin/v1/peers/:region/compare",
  parameters: regionParameter,
  summary: "Compare with a peer now, and exchange what differs, instead of at the next period",
  body: { [JSON_TYPE]: z.strictObject({}) },
  responses: {
    202: {
      description: "It is due; the status of the peer tells the outcome",
      content: { [JSON_TYPE]: z.object({ region: z.string() }) },
    },
  },
  problems: ["not-found"],
} satisfies Operation;

export type NamedCut = z.output<typeof cutText>;
export type Holdings = z.infer<typeof holdings>;
export type ShardSums = z.infer<typeof shardSums>;
export type NodeAtCut = z.infer<typeof nodeAtCut>;
export type AboveCut = z.infer<typeof aboveCut>;
export type SignedStatement = z.infer<typeof signedStatement>;
