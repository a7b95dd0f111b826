/**
 * Backups from a shelf: manifest and database mutated, in the second case with the manifest made to fit.
 *
 *     input = which u8 | bytes of that file
 *
 * Verifying tells faults or ends in a typed error, also where seal and hash were made to fit the damage: the
 * database is then opened, and every row of it read. A manifest that was changed is never called sound.
 */
import { createHash, createHmac } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isAtollError } from "@atoll/core";
import { canonicalJson } from "@atoll/profile";
import type { JsonValue } from "@atoll/profile";
import { createBackup, loadRegionConfig, verifyBackup } from "@atoll/server";
import { openSqliteStore } from "@atoll/store";
import { ADA, cluster, newReplica, writeEdits } from "./fleet.ts";
import { mutateBytes, mutateJson } from "./mutations.ts";
import type { FuzzTarget } from "./target.ts";
import { expectThat } from "./target.ts";

const MANIFEST = 0;
const DATABASE = 1;
const CONFIG = `region: us-east-1
cluster:
  { id: ${cluster.id}, secret: a secret for fuzzing, shards: 16, regions: { us-east-1: 1, eu-west-1: 2 } }
data: ./data
listen: { rest: "127.0.0.1:1", admin: "127.0.0.1:2", peer: "127.0.0.1:3" }
`;

export const backupTarget: FuzzTarget = {
  name: "backup",
  summary: "a backup's manifest or file: faults are told, by a typed error at most",
  microsMax: 2_000_000, // a whole database is proven, in a thread of its own besides

  async open() {
    const root = mkdtempSync(join(tmpdir(), "atoll-fuzz-"));
    const configFile = join(root, "atoll.yaml");
    writeFileSync(configFile, CONFIG);
    const config = loadRegionConfig({ file: configFile, environment: {} });
    mkdirSync(config.dataDirectory);
    const store = openSqliteStore({ path: join(config.dataDirectory, "atoll.db") });
    const replica = newReplica(0, store);
    writeEdits(replica, ADA);
    replica.close();
    store.close();
    const progress = (): void => undefined;
    const good = join(root, "good");
    await createBackup({ config, directory: good, bytesPerSecond: 1e9, progress });
    const manifest = readFileSync(join(good, "manifest.json"));
    const database = readFileSync(join(good, "atoll.db"));
    const bad = join(root, "bad");
    return {
      seeds: [
        Buffer.concat([Uint8Array.of(MANIFEST), manifest]),
        Buffer.concat([Uint8Array.of(DATABASE), database]),
      ],
      mutate(input, random) {
        const bytes = input.subarray(1);
        const changed = input[0] === MANIFEST ? mutateJson(bytes, random) : flipped(bytes, random);
        return Buffer.concat([input.subarray(0, 1), changed]);
      },
      async run(input) {
        const bytes = input.subarray(1);
        const isManifest = input[0] === MANIFEST;
        rmSync(bad, { recursive: true, force: true });
        mkdirSync(bad);
        writeFileSync(join(bad, "manifest.json"), isManifest ? bytes : fitting(manifest, bytes));
        writeFileSync(join(bad, "atoll.db"), isManifest ? database : bytes);
        for (const known of isManifest ? [config, undefined] : [config]) {
          try {
            const report = await verifyBackup({ directory: bad, config: known, progress });
            if (!isManifest || known === undefined || report.faults.length > 0) continue;
            // White space means nothing; everything else is under the seal.
            const isSame = report.manifest?.seal === sealOf(manifest);
            expectThat(isSame, "a manifest that was changed is called sound");
          } catch (error) {
            if (!isAtollError(error)) throw error;
          }
        }
      },
      close: () => {
        rmSync(root, { recursive: true, force: true });
        return Promise.resolve();
      },
    };
  },
};

/** Pages keep their size: what is wrong inside is what is of interest. */
function flipped(bytes: Uint8Array, random: Parameters<typeof mutateBytes>[1]): Uint8Array {
  if (random.below(10) === 0) return mutateBytes(bytes, random);
  const copy = Buffer.from(bytes);
  for (let times = 1 + random.below(8); times > 0; times--) {
    const at = random.below(copy.length);
    copy.writeUInt8(random.below(3) === 0 ? random.below(256) : copy.readUInt8(at) ^ 1, at);
  }
  return copy;
}

/** As somebody who knows the secret would write it for this database. */
function fitting(manifest: Uint8Array, database: Uint8Array): string {
  const value = JSON.parse(Buffer.from(manifest).toString()) as Record<string, JsonValue>;
  delete value["seal"];
  const sha256 = createHash("sha256").update(database).digest("hex");
  const fits = { ...value, file: { bytes: database.length, sha256 } };
  const seal = createHmac("sha256", cluster.keys.backupKey).update(canonicalJson(fits));
  return JSON.stringify({ ...fits, seal: seal.digest("hex") });
}

function sealOf(manifest: Uint8Array): string {
  return (JSON.parse(Buffer.from(manifest).toString()) as { seal: string }).seal;
}
