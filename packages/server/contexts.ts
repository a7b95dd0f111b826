/**
 * The clusters that an operator speaks to, by name: `~/.config/atoll/contexts.yaml`, or the file that
 * ATOLL_CONTEXTS names (ATOLL_CONFIG is a region's own configuration).
 *
 *     current: prod
 *     contexts:
 *       prod:
 *         tokenFile: prod.token                  beside this file; ATOLL_TOKEN wins over it
 *         regions:
 *           us-east-1: { admin: https://10.0.0.1:7102, rest: https://10.0.0.1:7101 }
 *           eu-west-1: { admin: https://10.1.0.1:7102 }
 *
 * No secret lies in it: it names the file of one.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { AtollError, errorText, parseRegionName } from "@atoll/core";

const origin = z
  .string()
  .refine((text) => /^https?:$/.test(URL.parse(text)?.protocol ?? ""), "is not an http(s) URL")
  .transform((text) => new URL(text).origin);

const context = z.strictObject({
  tokenFile: z.string().optional(),
  regions: z.record(
    z.string().refine((name) => parseRegionName(name) !== undefined, "is no region's name"),
    z.strictObject({ admin: origin, rest: origin.optional() }),
  ),
});

const contextsFile = z.strictObject({
  current: z.string().optional(),
  contexts: z.record(z.string().min(1), context).default({}),
});

export type OperatorContext = z.infer<typeof context>;
export type OperatorContexts = z.infer<typeof contextsFile>;

/** Empty when there is no such file. Throws malformed-request for one that does not read well. */
export function readContexts(path: string): OperatorContexts {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { contexts: {} };
    throw unreadable(path, errorText(error), error);
  }
  let raw: unknown;
  try {
    raw = parse(text) ?? {};
  } catch (error) {
    throw unreadable(path, errorText(error), error);
  }
  const parsed = contextsFile.safeParse(raw);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw unreadable(path, `${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`.trim());
}

/** Replaces the file in one step. */
export function writeContexts(path: string, contexts: OperatorContexts): void {
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.new`;
  writeFileSync(draft, stringify(contexts), { mode: 0o600 });
  renameSync(draft, path);
}

/** What the context's token file holds; undefined when it names none. */
export function contextCredential(
  path: string,
  { tokenFile }: OperatorContext,
): string | undefined {
  if (tokenFile === undefined) return undefined;
  const file = resolve(dirname(path), tokenFile);
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    throw unreadable(file, errorText(error), error);
  }
}

function unreadable(path: string, why: string, cause?: unknown): AtollError {
  return new AtollError("malformed-request", `${path} cannot be used: ${why}`, {}, cause);
}
