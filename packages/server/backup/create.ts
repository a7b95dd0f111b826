/**
 * Making a backup of a region, running or not.
 *
 *     atoll.db of the region ──copy──▶ DIR.partial/atoll.db ──check──▶ manifest ──rename──▶ DIR
 *
 * A process of its own reads the region's file directly: a route of the admin listener would need a right
 * to read all profiles at once, would share the event loop with clients, and could not help where the
 * region no longer starts. Nothing is called a backup before it has been read back: roots computed from
 * the copy's own bytes must be those that the region had stored.
 */
import { existsSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import {
  AtollError,
  addSums,
  blockThread,
  hlcToMs,
  originText,
  SUM_ZERO,
  systemClock,
  toHex,
} from "@atoll/core";
import { shardAccounts } from "@atoll/replica";
import { copyDatabase, inspectCopy, makeDirectories, openSqliteStore } from "@atoll/store";
import type { RegionConfig } from "../config.ts";
import { VERSION } from "../version.ts";
import { copyFailure } from "./failure.ts";
import { hashFile, syncDirectory } from "./file-hash.ts";
import type { BackupManifest } from "./manifest.ts";
import { BACKUP_FORMAT, databasePath, manifestPath, sealManifest } from "./manifest.ts";
import type { BackupProgress } from "./progress.ts";
import type { BackupReport } from "./verify.ts";
import { keysOf, verifyDatabase } from "./verify.ts";

export interface CreateOptions {
  readonly config: RegionConfig;
  /** Must not exist yet. */
  readonly directory: string;
  readonly bytesPerSecond: number;
  readonly progress: BackupProgress;
}

/** The report of the finished backup; with faults, there is none: the region itself is damaged. */
export async function createBackup(options: CreateOptions): Promise<BackupReport> {
  const directory = resolve(options.directory);
  const source = join(options.config.dataDirectory, "atoll.db");
  if (existsSync(directory)) {
    throw new AtollError("data-directory-unusable", `${directory} exists already`, {
      mend: "name a directory that does not exist yet: a backup never replaces another",
    });
  }
  if (!existsSync(source)) {
    throw new AtollError("data-directory-unusable", `there is no database at ${source}`, {
      mend: "name the configuration of a region that has run, with --config",
    });
  }
  const partial = `${directory}.partial`;
  try {
    makeDirectories(dirname(directory));
    mkdirSync(partial, { mode: 0o700 });
  } catch (error) {
    throw copyFailure(error, partial);
  }
  try {
    const report = await fill(partial, source, options);
    if (report.faults.length === 0) {
      renameSync(partial, directory);
      syncDirectory(dirname(directory));
    }
    return report;
  } catch (error) {
    throw copyFailure(error, partial);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

async function fill(
  partial: string,
  source: string,
  { config, bytesPerSecond, progress }: CreateOptions,
): Promise<BackupReport> {
  const path = databasePath(partial);
  await copyDatabase({
    from: source,
    to: path,
    bytesPerSecond,
    clock: systemClock,
    pause: blockThread,
    progress: (done, total) => progress("copy", done, total),
  });
  const header = inspectCopy(path);
  if (typeof header === "string") throw new AtollError("storage-failed", `the copy: ${header}`);
  const { size } = statSync(path);
  const sha256 = await hashFile(path, (done) => progress("hash", done, size));
  const manifest = manifestOf(path, config, { bytes: size, sha256 }, header.format);
  const report = await verifyDatabase(path, manifest, config, progress);
  if (report.faults.length > 0) return report;
  writeFileSync(manifestPath(partial), `${JSON.stringify(manifest, null, 2)}\n`, { flush: true });
  syncDirectory(partial);
  return report;
}

function manifestOf(
  path: string,
  config: RegionConfig,
  file: BackupManifest["file"],
  format: number,
): BackupManifest {
  const store = openSqliteStore({ path, isReadOnly: true });
  try {
    const identity = store.readIdentity();
    if (identity === undefined) {
      throw new AtollError("incompatible-data", "the database has never been opened by a region");
    }
    const accounts = shardAccounts(store, identity.shardCount);
    const nameOf = new Map(
      [...config.cluster.regions, ...config.cluster.former].map(({ code, name }) => [code, name]),
    );
    const held = accounts.flatMap(({ documents, changes, sum }, shard) =>
      documents === 0 && changes === 0 ? [] : [{ shard, documents, changes, root: toHex(sum) }],
    );
    const total = (of: "documents" | "changes"): number =>
      accounts.reduce((sum, account) => sum + account[of], 0);
    return sealManifest(
      {
        format: BACKUP_FORMAT,
        createdAt: new Date(systemClock.nowMs()).toISOString(),
        program: { version: VERSION, dataFormat: format },
        cluster: { id: identity.clusterId, shards: identity.shardCount },
        region: identity.region,
        origin: originText(identity.origin),
        incarnation: identity.incarnation,
        file,
        coverage: Object.fromEntries(
          [...store.readCoverage()].map(([code, hlc]) => [
            nameOf.get(code) ?? `region ${code}`,
            new Date(hlcToMs(hlc)).toISOString(),
          ]),
        ),
        counts: {
          documents: total("documents"),
          changes: total("changes"),
          entries: store.logSize().rows,
        },
        root: toHex(accounts.reduce((sum, account) => addSums(sum, account.sum), SUM_ZERO)),
        shards: held,
      },
      keysOf(config),
    );
  } finally {
    store.close();
  }
}
