/** What every refusal looks like (RFC 9457). */
import { z } from "zod";

export const PROBLEM_TYPE = "application/problem+json";

/** `types`: all that there are. */
export function problemDocument(types: readonly string[]): z.ZodObject {
  return z.object({
    type: z.enum(types),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string().optional().meta({ description: "The path that was asked for" }),
    requestId: z.string(),
    traceId: z
      .string()
      .optional()
      .meta({ description: "The W3C trace that the request is part of, if it is part of one" }),
    errors: z
      .array(z.object({ pointer: z.string(), detail: z.string(), code: z.string() }))
      .optional()
      .meta({ description: "Every fault, by JSON Pointer" }),
    missingRegions: z.array(z.string()).optional(),
    durableIn: z.array(z.string()).optional(),
    missingIn: z.array(z.string()).optional(),
    cursor: z.string().optional(),
  });
}
