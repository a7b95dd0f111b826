/** What operators have changed in this region. */
import { z } from "zod";
import { limits } from "@atoll/core";
import { JSON_TYPE } from "../media-type.ts";
import type { Operation } from "./operation.ts";

export const auditEntry = z
  .object({
    at: z.string(),
    /** `key:NAME`, `jwt:ISSUER#SUBJECT`, `open`; null for whoever was not let in. */
    who: z.string().nullable(),
    from: z.string().nullable(),
    what: z.string(),
    detail: z.record(z.string(), z.string()).optional(),
    status: z.int(),
    requestId: z.string(),
  })
  .meta({ id: "AuditEntry" });

export const getAudit = {
  id: "getAudit",
  method: "get",
  path: "/admin/v1/audit",
  summary: "Who changed what by this listener, newest first; refused attempts too",
  query: z.object({
    limit: z.coerce
      .number()
      .int()
      .min(1)
      .max(limits.AUDIT_LISTED_MAX)
      .default(limits.AUDIT_LISTED_DEFAULT),
  }),
  responses: {
    200: {
      description: "The newest entries",
      content: { [JSON_TYPE]: z.object({ entries: z.array(auditEntry) }) },
    },
  },
  problems: [],
} satisfies Operation;

export type AuditEntry = z.infer<typeof auditEntry>;
