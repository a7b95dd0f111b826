/** What `GET /admin/v1/audit` says, as this version's readers rely on it; unknown fields are kept. */
import { z } from "zod";

export const auditReport = z.looseObject({
  entries: z.array(
    z.looseObject({
      at: z.string(),
      who: z.string().nullable(),
      from: z.string().nullable(),
      what: z.string(),
      detail: z.record(z.string(), z.string()).optional(),
      status: z.number(),
    }),
  ),
});
