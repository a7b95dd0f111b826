/**
 * Is a backup what its region had? Asked before it is called one, whenever somebody wonders, and before a
 * region is made of it.
 *
 *     manifest ─▶ size, SHA-256 ─▶ header, tables ─▶ identity ─▶ the engine's own check
 *                                                        └─▶ log, documents, roots computed anew
 *
 * Each step trusts what the one before has shown, so the first that fails ends it. Without the region's
 * configuration there is no secret, hence no seal and no roots: the file is checked, and the report says
 * that this is all.
 */
import { existsSync, statSync } from "node:fs";
import type { ClusterKeys } from "@atoll/core";
import { AtollError, delay, deriveClusterKeys, limits, originText, toHex } from "@atoll/core";
import { ProfileCodec } from "@atoll/profile";
import type { CopyFindings } from "@atoll/replica";
import { checkCopy, emptyFindings, shardAccounts } from "@atoll/replica";
import { dataFormat, inspectCopy, openSqliteStore } from "@atoll/store";
import type { Store } from "@atoll/store";
import type { RegionConfig } from "../config.ts";
import { loadProfileSchema } from "../profile-schema.ts";
import type { BackupManifest } from "./manifest.ts";
import { databasePath, isSealed, readManifest } from "./manifest.ts";
import type { BackupProgress } from "./progress.ts";
import { hashFile, turn } from "./file-hash.ts";

export interface BackupReport {
  /** Undefined when it could not be read. */
  readonly manifest: BackupManifest | undefined;
  /** Nothing: the backup is sound, as far as it was looked at. */
  readonly faults: readonly string[];
  /** Faults that are not listed. */
  readonly unlisted: number;
  /** How far it was looked at: the file alone where no configuration tells the cluster's keys. */
  readonly depth: "file" | "documents";
  readonly documents: number;
  readonly entries: number;
  readonly quarantined: number;
}

export interface VerifyOptions {
  readonly directory: string;
  /** Of the region that it is of. */
  readonly config: RegionConfig | undefined;
  readonly progress: BackupProgress;
}

/** Throws `incompatible-data` for what is no backup, of another region or cluster, or newer than this. */
export async function verifyBackup(options: VerifyOptions): Promise<BackupReport> {
  const { directory, config, progress } = options;
  const manifest = readManifest(directory);
  if (typeof manifest === "string") return failed(undefined, manifest);
  const keys = config && keysOf(config);
  if (config !== undefined) refuseForeign(manifest, config);
  if (keys !== undefined && !isSealed(manifest, keys)) {
    return failed(manifest, "the seal is broken: the manifest is not as it was written");
  }
  const path = databasePath(directory);
  if (!existsSync(path)) return failed(manifest, "atoll.db is gone");
  const { bytes, sha256 } = manifest.file;
  const { size } = statSync(path);
  if (size !== bytes) {
    return failed(manifest, `atoll.db has ${size} bytes, the manifest says ${bytes}`);
  }
  const hash = await hashFile(path, (done) => progress("hash", done, bytes));
  if (hash !== sha256)
    return failed(manifest, "atoll.db has another SHA-256 than the manifest says");
  return verifyDatabase(path, manifest, config, progress);
}

/** The database by itself, against what its manifest says. */
export async function verifyDatabase(
  path: string,
  manifest: BackupManifest,
  config: RegionConfig | undefined,
  progress: BackupProgress,
): Promise<BackupReport> {
  const header = inspectCopy(path);
  if (typeof header === "string") return failed(manifest, `atoll.db: ${header}`);
  if (header.format < dataFormat()) return reportOf(manifest, emptyFindings(), "file");
  const store = openSqliteStore({ path, isReadOnly: true });
  try {
    const wrong = contradictions(store, manifest);
    if (wrong.length > 0) return { ...failed(manifest, ""), faults: wrong };
    const faults = await engineCheck(store, progress);
    if (faults.length > 0) return { ...failed(manifest, ""), faults };
    if (config === undefined) return reportOf(manifest, emptyFindings(), "file");
    const findings = await checkDocuments(store, manifest, config, progress);
    return reportOf(manifest, findings, "documents");
  } finally {
    store.close();
  }
}

/** Asked of a thread that does not keep a process alive: whoever waits for it must. */
async function engineCheck(store: Store, progress: BackupProgress): Promise<readonly string[]> {
  let lines: readonly string[] | undefined;
  const check = store.scrub.checkFile().then((said) => (lines = said));
  while (lines === undefined) {
    progress("file", 0, 1);
    await Promise.race([check, delay(limits.COMMAND_VERIFY_LOOK_MS)]);
  }
  return lines;
}

export function keysOf({ cluster }: RegionConfig): ClusterKeys {
  return deriveClusterKeys(cluster.secret, cluster.id);
}

async function checkDocuments(
  store: Store,
  manifest: BackupManifest,
  config: RegionConfig,
  progress: BackupProgress,
): Promise<CopyFindings> {
  const { counts } = manifest;
  const findings = emptyFindings();
  const cluster = { keys: keysOf(config), shardCount: manifest.cluster.shards };
  const codec = new ProfileCodec(loadProfileSchema(config.schemaFile));
  const pages = checkCopy({ store, cluster, codec }, findings);
  while (pages.next().done !== true) {
    const done = findings.entries + findings.documents;
    progress("rows", done, counts.entries + counts.documents);
    await turn();
  }
  return findings;
}

/** What the manifest says and the database does not. */
function contradictions(store: Store, manifest: BackupManifest): string[] {
  const identity = store.readIdentity();
  const shards = shardAccounts(store, manifest.cluster.shards);
  const said = new Map(manifest.shards.map((shard) => [shard.shard, shard]));
  const wrong = shards.flatMap(({ documents, changes, sum }, shard) => {
    const says = said.get(shard) ?? { documents: 0, changes: 0, root: "0".repeat(64) };
    const isSaid =
      says.documents === documents && says.changes === changes && says.root === toHex(sum);
    return isSaid ? [] : [`shard ${shard} is not as the manifest says`];
  });
  const isOwn =
    identity?.clusterId === manifest.cluster.id &&
    identity.shardCount === manifest.cluster.shards &&
    identity.region === manifest.region &&
    originText(identity.origin) === manifest.origin;
  return isOwn ? wrong : ["the database is of another region than the manifest says", ...wrong];
}

function refuseForeign({ cluster, region }: BackupManifest, config: RegionConfig): void {
  const differences = [
    cluster.id !== config.cluster.id && `cluster "${cluster.id}", config "${config.cluster.id}"`,
    cluster.shards !== config.cluster.shards &&
      `${cluster.shards} shards, config ${config.cluster.shards}`,
    region !== config.region.name && `region ${region}, config ${config.region.name}`,
  ].filter((difference) => difference !== false);
  if (differences.length === 0) return;
  throw new AtollError("incompatible-data", `the backup is of ${differences.join("; ")}`, {
    mend: "name the configuration of the region that it was made of",
  });
}

function reportOf(
  manifest: BackupManifest,
  { documents, entries, quarantined, found, listed }: CopyFindings,
  depth: BackupReport["depth"],
): BackupReport {
  const unlisted = found - listed.length;
  return { manifest, faults: listed, unlisted, depth, documents, entries, quarantined };
}

function failed(manifest: BackupManifest | undefined, fault: string): BackupReport {
  const nothing = { unlisted: 0, documents: 0, entries: 0, quarantined: 0 };
  return { manifest, faults: [fault], depth: "file", ...nothing };
}
