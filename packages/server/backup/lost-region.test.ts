// A region is lost with its disk while all regions write, and comes back from a backup that was made of it
// under load, by the command that an operator would type. What was promised to be elsewhere too is there.
import { execFile } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { environmentWithoutAtoll } from "../config.ts";
import { FaultScenarios, findFaults } from "../fault-scenario.fixture.ts";
import type { FaultyCluster } from "../faulty-links.fixture.ts";
import { AP, eventually } from "../faulty-links.fixture.ts";
import { LOCAL_REGIONS } from "../local-plan.ts";
import { findReusedPlaces } from "../log-places.fixture.ts";
import type { Mark, MarkedWrites } from "../marked-writes.fixture.ts";

const COMMAND = fileURLToPath(new URL("../../cli/bin/atoll.mjs", import.meta.url));
const PATIENCE_MS = 30_000;
const COMMAND_MS_MAX = 60_000;
const MARKS_BETWEEN = 12;

let scenarios: FaultScenarios;
let cluster: FaultyCluster;

beforeAll(async () => {
  scenarios = await FaultScenarios.open();
  cluster = scenarios.cluster;
});
afterAll(() => scenarios.close());

function atoll(...args: string[]): Promise<{ readonly code: number; readonly text: string }> {
  return new Promise((resolve) => {
    const options = { env: environmentWithoutAtoll(), timeout: COMMAND_MS_MAX };
    execFile(process.execPath, [COMMAND, ...args], options, (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), text: stdout + stderr });
    });
  });
}

/** A disk that is lost takes along what was nowhere else. */
function isPromised({ region, durableIn }: Mark): boolean {
  return region !== AP || durableIn.length > 1;
}

function goOn(writes: MarkedWrites): Promise<unknown> {
  const promised = (): number =>
    writes.acknowledged.filter((mark) => mark.region === AP && isPromised(mark)).length;
  const count = promised() + MARKS_BETWEEN;
  return eventually("Asia writes", PATIENCE_MS, () => promised() >= count);
}

test("a region that lost its disk comes back from a backup made under load", () =>
  scenarios.run(
    { label: "lost", profiles: 4, prefer: { [AP]: "durability=2, wait=0.5" } },
    async (writes) => {
      const { configFile } = cluster.region(AP);
      const config = ["--config", configFile];
      const backup = join(scenarios.directory, "backup");
      await goOn(writes);
      const made = await atoll("backup", "create", backup, ...config);
      expect(made).toMatchObject({
        code: 0,
        text: expect.stringContaining("is complete") as string,
      });
      const { origin, incarnation } = (await cluster.status(AP)) ?? {};
      await goOn(writes); // under the name that the backup bears

      const refused = await atoll("backup", "restore", backup, ...config, "--yes");
      expect(refused).toMatchObject({
        code: 1,
        text: expect.stringContaining("in use by") as string,
      });

      await cluster.kill(AP);
      const database = cluster.databaseOf(AP);
      for (const suffix of ["", "-wal", "-shm"]) rmSync(database + suffix, { force: true });
      const looked = await atoll("backup", "restore", backup, ...config);
      expect(looked.code).toBe(2);
      expect(existsSync(database)).toBe(false);
      const restored = await atoll("backup", "restore", backup, ...config, "--yes");
      expect(restored).toMatchObject({ code: 0 });
      await cluster.restart(AP);
      await goOn(writes);

      const after = await cluster.status(AP);
      expect(after?.origin).not.toBe(origin);
      expect(after?.incarnation).toBeGreaterThan(incarnation ?? Infinity);
      await writes.stop();
      const marks = writes.acknowledged.filter(isPromised);
      expect(await findFaults(cluster, { convergedMsMax: PATIENCE_MS, marks })).toEqual([]);
      const sound = await atoll("backup", "verify", backup, ...config);
      expect(sound).toMatchObject({ code: 0, text: expect.stringContaining("is sound") as string });
    },
  ));

test("and no place in a log was given twice", async () => {
  await cluster.stop();
  const { places, reused } = findReusedPlaces(
    LOCAL_REGIONS.map((name) => cluster.databaseOf(name)),
  );
  expect(reused).toEqual([]);
  expect(places).toBeGreaterThan(50);
});
