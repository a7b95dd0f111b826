/** What `/admin/v1/merkle` says, as this version's readers rely on it; unknown fields are kept. */
import { z } from "zod";

const cut = z.record(z.string(), z.number());
const sum = z.looseObject({ changes: z.number(), sum: z.string() });
const documentName = { docId: z.string(), profileId: z.string().nullable() };

export const holdingsReport = z.looseObject({
  region: z.string(),
  held: cut,
  horizon: cut,
  shards: z.number(),
});

export const shardsReport = z.looseObject({ region: z.string(), root: sum, shards: z.array(sum) });

export const nodeReport = z.looseObject({
  children: z.array(sum),
  documents: z.array(sum.extend(documentName)).nullable(),
});

export const aboveReport = z.looseObject({
  total: z.object({ documents: z.number(), changes: z.number() }),
  complete: z.boolean(),
  documents: z.array(
    z.looseObject({ ...documentName, changes: z.number(), heads: z.array(z.string()) }),
  ),
  next: z.string().nullable(),
});

/** Also as it lies in a certificate's file. */
export const statementReport = z.object({
  statement: z.object({
    cluster: z.string(),
    region: z.string(),
    origin: z.string(),
    at: z.string(),
    cut,
    changes: z.number(),
    root: z.string(),
    shards: z.array(z.string()),
  }),
  signature: z.string(),
});

export const keysReport = z.looseObject({
  cluster: z.string(),
  keys: z.record(z.string(), z.string()),
});

export type HoldingsReport = z.infer<typeof holdingsReport>;
export type ShardsReport = z.infer<typeof shardsReport>;
export type NodeReport = z.infer<typeof nodeReport>;
export type AboveReport = z.infer<typeof aboveReport>;
export type KeysReport = z.infer<typeof keysReport>;
