/** What `/admin/v1/quarantine` says, as this version's readers rely on it; unknown fields are kept. */
import { z } from "zod";

const quarantineRecord = z.looseObject({
  id: z.number(),
  at: z.string(),
  reason: z.string(),
  fromRegion: z.string().nullable(),
  /** Whose entry it is; null for a document. */
  region: z.string().nullable(),
  shard: z.number().nullable(),
  seq: z.number().nullable(),
  docId: z.string(),
  profileId: z.string().nullable(),
  size: z.number(),
});
const quarantineListing = z.object({ total: z.number(), entries: z.array(quarantineRecord) });
const retryAnswer = z.object({ outcome: z.string(), reason: z.string().nullable() });

export type QuarantineListing = z.infer<typeof quarantineListing>;
export type RetryAnswer = z.infer<typeof retryAnswer>;

/** Undefined for anything that is not a listing. */
export function parseQuarantineListing(value: unknown): QuarantineListing | undefined {
  const parsed = quarantineListing.safeParse(value);
  return parsed.success ? parsed.data : undefined;
}

/** Undefined for anything that does not answer a retry. */
export function parseRetryAnswer(value: unknown): RetryAnswer | undefined {
  const parsed = retryAnswer.safeParse(value);
  return parsed.success ? parsed.data : undefined;
}
