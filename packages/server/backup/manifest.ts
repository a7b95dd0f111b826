/**
 * What a backup says of itself: whose it is, of when, and what must be found in it.
 *
 *     DIR/atoll.db        the database, one file
 *     DIR/manifest.json   written last: a directory without it is no backup
 *
 * The seal (HMAC-SHA-256 under a key that follows from the cluster's secret) covers all the rest. Without
 * it a manifest proves only that file and manifest were changed together; with it, that whoever made
 * the backup knew the secret.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { ClusterKeys } from "@atoll/core";
import { AtollError, errorText, limits, toHex } from "@atoll/core";
import { canonicalJson } from "@atoll/profile";

export const BACKUP_FORMAT = 1;
export const DATABASE_FILE = "atoll.db";
const MANIFEST_FILE = "manifest.json";

const count = z.int().nonnegative();
const sum = z.string().regex(/^[0-9a-f]{64}$/);

const manifestShape = z.strictObject({
  format: z.literal(BACKUP_FORMAT),
  createdAt: z.iso.datetime(),
  program: z.strictObject({ version: z.string().max(64), dataFormat: count }),
  cluster: z.strictObject({ id: z.string().max(256), shards: count.max(65_536) }),
  region: z.string().max(256),
  /** The life that the copy was taken of; a restored region takes another. */
  origin: z.string().max(64),
  incarnation: count,
  file: z.strictObject({ bytes: count, sha256: sum }),
  /** Everything of a region up to its time is in the backup. */
  coverage: z.record(z.string().max(256), z.iso.datetime()),
  counts: z.strictObject({ documents: count, changes: count, entries: count }),
  /** Sum of all changes: equal in two regions that hold the same. */
  root: sum,
  /** The same by shard, of the shards that hold anything. */
  shards: z.array(z.strictObject({ shard: count, documents: count, changes: count, root: sum })),
  seal: sum,
});

export type BackupManifest = z.infer<typeof manifestShape>;
type Unsealed = Omit<BackupManifest, "seal">;

export function manifestPath(directory: string): string {
  return join(directory, MANIFEST_FILE);
}

export function databasePath(directory: string): string {
  return join(directory, DATABASE_FILE);
}

export function sealManifest(manifest: Unsealed, { backupKey }: ClusterKeys): BackupManifest {
  return { ...manifest, seal: toHex(sealOf(manifest, backupKey)) };
}

export function isSealed(
  { seal, ...manifest }: BackupManifest,
  { backupKey }: ClusterKeys,
): boolean {
  return timingSafeEqual(Buffer.from(seal, "hex"), sealOf(manifest, backupKey));
}

/**
 * The manifest, or why the file is none. Throws `incompatible-data` when the directory is no backup, or one
 * of a newer program.
 */
export function readManifest(directory: string): BackupManifest | string {
  const path = manifestPath(directory);
  const { size } = statSync(path, { throwIfNoEntry: false }) ?? {};
  if (size === undefined) {
    throw new AtollError("incompatible-data", `${directory} is no backup: it has no manifest`, {
      mend: "name the directory that `atoll backup create` made; without a manifest it did not finish",
    });
  }
  if (size > limits.BACKUP_MANIFEST_BYTES_MAX) return `the manifest has ${size} bytes`;
  return parseManifest(readFileSync(path), directory);
}

/** The same of bytes. */
export function parseManifest(bytes: Uint8Array, where: string): BackupManifest | string {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    return `the manifest is not JSON: ${errorText(error)}`;
  }
  const format = z.looseObject({ format: count }).safeParse(value);
  if (format.success && format.data.format > BACKUP_FORMAT) {
    const detail = `${where} is a backup of format ${format.data.format}; known are formats up to`;
    throw new AtollError("incompatible-data", `${detail} ${BACKUP_FORMAT}`, {
      mend: "use the program that made it, or a newer one",
    });
  }
  const parsed = manifestShape.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  return `the manifest: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? "malformed"}`;
}

function sealOf(manifest: Unsealed, backupKey: Uint8Array): Buffer {
  const text = canonicalJson(manifest);
  return createHmac("sha256", backupKey).update(text).digest();
}
