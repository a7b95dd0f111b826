// Backups of one region: what is made is proven, what was damaged is told, and nothing is ever replaced.
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { SeededRandom, isAtollError } from "@atoll/core";
import { lockDirectory, openSqliteStore } from "@atoll/store";
import type { RegionConfig } from "../config.ts";
import { loadRegionConfig } from "../config.ts";
import { RestRegion } from "../rest-region.fixture.ts";
import { createBackup } from "./create.ts";
import type { BackupManifest } from "./manifest.ts";
import { sealManifest } from "./manifest.ts";
import { restoreBackup } from "./restore.ts";
import type { BackupReport } from "./verify.ts";
import { keysOf, verifyBackup } from "./verify.ts";

const root = mkdtempSync(join(tmpdir(), "atoll-backups-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const progress = (): void => undefined;
const NEEDLE = "Ada of the needle";
const good = join(root, "good");
const config = configOf("data");
let made: BackupReport;
let bad: string;
let target: RegionConfig;

function configOf(data: string, region = "us-east-1", secret = "the secret of this test") {
  const file = join(root, `${data}.yaml`);
  writeFileSync(
    file,
    `region: ${region}
cluster:
  id: test
  secret: ${secret}
  shards: 16
  regions: { us-east-1: 1, eu-west-1: 2, ap-northeast-1: 3 }
data: ./${data}
listen: { rest: 127.0.0.1:1, admin: 127.0.0.1:2, peer: 127.0.0.1:3 }
`,
  );
  return loadRegionConfig({ file, environment: {} });
}

beforeAll(async () => {
  mkdirSync(config.dataDirectory);
  const store = openSqliteStore({ path: join(config.dataDirectory, "atoll.db") });
  const region = await new RestRegion({ store }).open();
  await region.put("ada", { displayName: NEEDLE, interests: ["engines"] });
  for (let i = 0; i < 40; i++) await region.put(`p${i}`, { displayName: `Number ${i}` });
  for (let i = 0; i < 40; i++) await region.mergePatch("p7", { headline: `edit ${i}` });
  await region.call("DELETE", "/v1/profiles/p9");
  made = await createBackup({
    config,
    directory: good,
    bytesPerSecond: Number.MAX_SAFE_INTEGER,
    progress,
  });
  await region.close(); // only now: it was made of a region that ran
});

let trial = 0;
beforeEach(() => {
  bad = join(root, `bad ${++trial}`);
  cpSync(good, bad, { recursive: true });
  target = configOf(`target-${trial}`);
});

function verify(directory: string, of: RegionConfig | undefined = config): Promise<BackupReport> {
  return verifyBackup({ directory, config: of, progress });
}

function restore(directory: string, isDryRun = false): Promise<BackupReport> {
  return restoreBackup({ directory, config: target, isDryRun, progress });
}

function readManifest(directory: string): BackupManifest {
  return JSON.parse(readFileSync(join(directory, "manifest.json"), "utf8")) as BackupManifest;
}

/** As somebody who knows the cluster's secret would forge it. */
function reseal(directory: string, changes: Partial<BackupManifest> = {}): void {
  const { seal, ...manifest } = { ...readManifest(directory), ...changes };
  expect(seal).toHaveLength(64);
  const bytes = readFileSync(join(directory, "atoll.db"));
  const file = { bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
  const sealed = sealManifest({ ...manifest, file }, keysOf(config));
  writeFileSync(join(directory, "manifest.json"), JSON.stringify(sealed));
}

async function codeOf(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (!isAtollError(error)) throw error;
    return error.code;
  }
}

describe("a backup of a running region", () => {
  test("is proven when it is made, and whenever it is asked again", async () => {
    expect(made).toMatchObject({ faults: [], depth: "documents", documents: 41, entries: 82 });
    expect(await verify(good)).toEqual(made);
    expect(made.manifest).toMatchObject({
      region: "us-east-1",
      incarnation: 0,
      counts: { documents: 41, changes: 82, entries: 82 },
    });
    expect(readdirSync(good).sort()).toEqual(["atoll.db", "manifest.json"]);
  });

  test("without the configuration is checked as a file, and says that this is all", async () => {
    expect(await verifyBackup({ directory: good, config: undefined, progress })).toMatchObject({
      faults: [],
      depth: "file",
      documents: 0,
    });
  });

  test("never replaces another, and leaves nothing behind when it fails", async () => {
    const options = { config, bytesPerSecond: 1, progress };
    expect(await codeOf(createBackup({ ...options, directory: good }))).toBe(
      "data-directory-unusable",
    );
    const directory = join(root, "never");
    expect(await codeOf(createBackup({ ...options, config: target, directory }))).toBe(
      "data-directory-unusable",
    );
    const other = configOf("data", "us-east-1", "another secret, just as long");
    const report = await createBackup({
      ...options,
      config: other,
      directory,
      bytesPerSecond: 1e9,
    });
    expect(report.faults[0]).toMatch(/document/);
    expect([existsSync(directory), existsSync(`${directory}.partial`)]).toEqual([false, false]);
  });
});

describe("damage is told, never restored:", () => {
  const database = (): string => join(bad, "atoll.db");
  const manifest = (): string => join(bad, "manifest.json");
  const replaceInFile = (path: string, from: string, to: string): void => {
    const bytes = readFileSync(path);
    const at = bytes.indexOf(from);
    expect(at).toBeGreaterThan(0);
    bytes.write(to, at);
    writeFileSync(path, bytes);
  };

  test.each<[string, () => void, RegExp]>([
    ["a file cut short", () => truncateSync(database(), 8192), /bytes, the manifest says/],
    ["a file of a terabyte", () => truncateSync(database(), 2 ** 40), /bytes, the manifest says/],
    ["no file", () => rmSync(database()), /is gone/],
    [
      "a file cut short by somebody with the secret",
      () => {
        truncateSync(database(), 8192 * 5);
        reseal(bad);
      },
      /its header says/,
    ],
    ["a manifest cut short", () => truncateSync(manifest(), 300), /not JSON/],
    ["a manifest of 20 MB", () => truncateSync(manifest(), 20_000_000), /has 20000000 bytes/],
    [
      "a manifest with more in it",
      () => replaceInFile(manifest(), '"format": 1', '"formatt":1'),
      /format/,
    ],
    ["another root", () => reseal(bad, { shards: [] }), /not as the manifest says/],
    [
      "another count",
      () => replaceInFile(manifest(), '"documents": 41', '"documents": 42'),
      /seal/,
    ],
    ["another life", () => reseal(bad, { origin: "1.0.00000000" }), /of another region than/],
    [
      "a view with a changed letter, by somebody with the secret",
      () => {
        replaceInFile(database(), `"displayName":"${NEEDLE}"`, '"displayName":"Eve');
        reseal(bad);
      },
      /document [0-9a-f]{32}: its view is not what its changes make/,
    ],
  ])("%s", async (_what, damage, reason) => {
    damage();
    const report = await verify(bad);
    expect(report.faults.join("\n")).toMatch(reason);
    expect((await restore(bad)).faults).toEqual(report.faults);
    expect(existsSync(join(target.dataDirectory, "atoll.db"))).toBe(false);
  });

  test("any one bit of either file", async () => {
    const random = new SeededRandom("one bit");
    for (let round = 0; round < 24; round++) {
      const path = round % 2 === 0 ? database() : manifest();
      const bytes = readFileSync(path);
      const bit = random.below(bytes.length * 8);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      writeFileSync(path, bytes);
      // White space between two fields is the one thing that may change and mean the same.
      const isSame =
        path === manifest() && sameJson(bytes, readFileSync(join(good, "manifest.json")));
      const outcome = await verify(bad).catch((error: unknown) => {
        if (!isAtollError(error)) throw error;
        return { faults: [error.code] };
      });
      if (!isSame) expect(outcome.faults, `bit ${bit} of ${path}`).not.toEqual([]);
      cpSync(good, bad, { recursive: true });
    }
  });

  test.each<[string, () => Promise<unknown>]>([
    ["no manifest", () => (rmSync(manifest()), verify(bad))],
    ["nothing at all", () => verify(join(root, "nowhere"))],
    [
      "a newer format of backups",
      () => (writeFileSync(manifest(), '{"format": 2, "from": "tomorrow"}'), verify(bad)),
    ],
    ["another region's configuration", () => verify(bad, configOf("other", "eu-west-1"))],
  ])("%s is no backup of this region", async (_what, look) => {
    expect(await codeOf(look())).toBe("incompatible-data");
  });

  test("a manifest sealed with another secret", async () => {
    const other = configOf("data", "us-east-1", "another secret, just as long");
    expect((await verify(bad, other)).faults.join()).toMatch(/seal is broken/);
  });
});

describe("a restore", () => {
  test("makes a region that shows the same under a new name", async () => {
    const report = await restore(good);
    expect(report.faults).toEqual([]);
    const store = openSqliteStore({ path: join(target.dataDirectory, "atoll.db") });
    const region = await new RestRegion({ store, seed: "restored" }).open();
    const { identity } = region.driver.replica;
    expect(identity.incarnation).toBe(1);
    expect(region.driver.status().origin).not.toBe(made.manifest?.origin);
    expect(region.driver.status().root).toBe(made.manifest?.root);
    expect((await region.get("ada")).json).toMatchObject({ displayName: NEEDLE });
    expect((await region.get("p7")).json).toMatchObject({ headline: "edit 39" });
    expect((await region.get("p9")).status).toBe(404);
    await region.close();
  });

  test("of an orderly stop takes a new name as well", async () => {
    const orderly = join(root, "orderly");
    await createBackup({ config, directory: orderly, bytesPerSecond: 1e9, progress });
    await restore(orderly);
    const store = openSqliteStore({ path: join(target.dataDirectory, "atoll.db") });
    expect(store.readIdentity()).toMatchObject({ cleanStop: false });
    const region = await new RestRegion({ store, seed: "orderly" }).open();
    expect(region.driver.replica.identity.incarnation).toBe(1);
    await region.close();
  });

  test("that is a dry run leaves nothing, not even a directory", async () => {
    expect((await restore(good, true)).faults).toEqual([]);
    expect(existsSync(target.dataDirectory)).toBe(false);
  });

  test("refuses a directory with data, also with a log alone", async () => {
    mkdirSync(target.dataDirectory);
    for (const name of ["atoll.db", "atoll.db-wal"]) {
      writeFileSync(join(target.dataDirectory, name), "");
      expect(await codeOf(restore(good))).toBe("data-directory-unusable");
      expect(await codeOf(restore(good, true))).toBe("data-directory-unusable");
      rmSync(join(target.dataDirectory, name));
    }
  });

  test("refuses a directory that is in use", async () => {
    const lock = lockDirectory(target.dataDirectory);
    try {
      expect(await codeOf(restore(good))).toBe("data-directory-locked");
    } finally {
      lock.release();
    }
  });

  test("goes over what a restore left that was cut short", async () => {
    mkdirSync(target.dataDirectory);
    writeFileSync(join(target.dataDirectory, "atoll.db.restoring"), "half a file");
    expect((await restore(good)).faults).toEqual([]);
    expect(readdirSync(target.dataDirectory).sort()).toEqual(["atoll.db", "lock.db"]);
  });
});

function sameJson(a: Uint8Array, b: Uint8Array): boolean {
  try {
    const [one, other] = [a, b].map(
      (bytes) => JSON.parse(Buffer.from(bytes).toString()) as unknown,
    );
    return JSON.stringify(one) === JSON.stringify(other);
  } catch {
    return false;
  }
}
