/** What `GET /admin/v1/verify` says, as this version's readers rely on it; unknown fields are kept. */
import { z } from "zod";

const verifyReport = z.looseObject({
  state: z.enum(["never", "running", "done", "failed"]),
  startedAt: z.string().nullable(),
  finishedAt: z.string().nullable(),
  progress: z.object({
    entriesDone: z.number(),
    entriesTotal: z.number(),
    documentsDone: z.number(),
    documentsTotal: z.number(),
  }),
  faults: z.object({
    found: z.number(),
    repaired: z.number(),
    listed: z.array(
      z.object({
        table: z.string(),
        where: z.string(),
        what: z.string(),
        repair: z.enum(["done", "peers", "none"]),
      }),
    ),
  }),
});

export type VerifyReport = z.infer<typeof verifyReport>;

/** Undefined for anything that is not a report. */
export function parseVerifyReport(value: unknown): VerifyReport | undefined {
  const parsed = verifyReport.safeParse(value);
  return parsed.success ? parsed.data : undefined;
}
