/** What `/admin/v1/documents` and `/admin/v1/actors` say, as this version's readers rely on it. */
import { z } from "zod";

const version = z.looseObject({ exists: z.boolean(), deleted: z.boolean(), profile: z.json() });
const conflict = z.looseObject({
  pointer: z.string(),
  values: z.array(
    z.looseObject({ opId: z.string(), value: z.json(), region: z.string().nullable() }),
  ),
});

export const documentFactsReport = z.looseObject({
  docId: z.string(),
  profileId: z.string().nullable(),
  tenant: z.string().nullable(),
  shard: z.number(),
  deleted: z.boolean(),
  quarantined: z.boolean(),
  changes: z.number(),
  sum: z.string(),
  heads: z.array(z.string()),
  updatedAt: z.string(),
});

export const documentContentReport = version.extend({
  heads: z.array(z.string()),
  changes: z.array(
    z.looseObject({ hash: z.string(), region: z.string().nullable(), time: z.string() }),
  ),
  conflicts: z.array(conflict),
});

const edits = z.array(z.looseObject({ op: z.string(), path: z.string() }));

export const mergePreviewReport = z.looseObject({
  here: version,
  there: version,
  merged: version,
  changes: z.object({ here: z.number(), there: z.number() }),
  edits: z.object({ here: edits, there: edits }),
  conflicts: z.array(conflict),
});

export const actorsReport = z.looseObject({
  actors: z.array(
    z.looseObject({
      origin: z.string(),
      region: z.string().nullable(),
      incarnation: z.number(),
      own: z.boolean(),
      entries: z.number(),
      seqMax: z.number(),
      lastAt: z.string().nullable(),
    }),
  ),
});

export type DocumentFactsReport = z.infer<typeof documentFactsReport>;
export type DocumentContentReport = z.infer<typeof documentContentReport>;
export type MergePreviewReport = z.infer<typeof mergePreviewReport>;
export type ConflictReport = z.infer<typeof conflict>;
export type ActorsReport = z.infer<typeof actorsReport>;
