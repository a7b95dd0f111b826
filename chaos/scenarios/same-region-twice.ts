/** 27: somebody starts a region a second time: on the same files, and on a copy of them. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EU, US, choosePorts } from "../fleet/region-plan.ts";
import type { RegionPlan } from "../fleet/region-plan.ts";
import { RegionAdmin } from "../fleet/region-admin.ts";
import { RegionProcess } from "../fleet/region-process.ts";
import type { Scenario } from "../scenario.ts";
import type { Stage } from "../run/stage.ts";

/** A process has to start before it can refuse to. */
const REFUSED_MS_MAX = 30_000;
const ANSWERS_MS_MAX = 30_000;

export const sameRegionTwice: Scenario = {
  name: "same-region-twice",
  numbers: [27],
  hypothesis: {
    steady: "three regions serve reads and writes",
    fault: `${EU} is started a second time on the same files, then on a copy of them`,
    expectation:
      "on the same files it is refused; on a copy it becomes somebody else; no number is given twice",
  },
  seconds: { quick: 5, full: 60 },
  convergeMsMax: 20_000,
  async act(stage) {
    await stage.during(`${EU} is started twice on the same files`, [], () =>
      startOnSameFiles(stage),
    );
    const copy = await stage.during(`${EU} is cloned`, [EU], () => copyOf(stage));
    const second = new RegionProcess(copy, stage.links.enter(EU));
    await stage.during(`${EU} is started on a copy of its files`, [], async () => {
      try {
        // Not until it is ready: the other regions may have refused it before anybody has asked.
        second.spawn();
        const admin = new RegionAdmin(copy);
        await stage.expectSoon("the copy answers", ANSWERS_MS_MAX, async () => {
          return (await admin.status()) !== undefined;
        });
        await stage.wait(stage.seconds);
        const [one, other] = [await stage.status(EU), await admin.status()];
        const names = `${one?.origin} and ${other?.origin}`;
        stage.expect("the two do not write under one name", one?.origin !== other?.origin, names);
      } finally {
        await second.stop();
      }
    });
    stage.expect(`${EU} lives`, stage.region(EU).process.isUp);
    const link = await stage.linkState(US, EU);
    await stage.expectSoon(`${US} and ${EU} are linked again`, 15_000, async () => {
      return (await stage.linkState(US, EU)) === "live" || link === "live";
    });
  },
};

async function startOnSameFiles(stage: Stage): Promise<void> {
  const { plan } = stage.region(EU);
  const logFile = join(stage.directory, "second.log");
  const second = new RegionProcess({ ...plan, logFile }, stage.links.enter(EU));
  second.spawn();
  let how: string | undefined;
  void second.ended.then((reason) => (how = reason));
  await stage.expectSoon("it is refused", REFUSED_MS_MAX, () => Promise.resolve(how !== undefined));
  await second.kill();
  const said = second.log().includes("in use by");
  stage.expect("and says that the directory is in use", said, how);
}

/** As a cloned machine: the same configuration, files of one moment, and addresses of its own. */
async function copyOf(stage: Stage): Promise<RegionPlan> {
  const { plan, process } = stage.region(EU);
  const [ports] = await choosePorts(stage.random.fork("copy"));
  if (ports === undefined) throw new Error("no ports");
  const directory = join(stage.directory, "copy");
  const dataDirectory = join(directory, "data");
  mkdirSync(directory, { recursive: true });
  process.freeze();
  cpSync(plan.dataDirectory, dataDirectory, { recursive: true });
  process.thaw();
  const { rest, admin, peer } = ports;
  const config = JSON.parse(readFileSync(plan.configFile, "utf8")) as Record<string, unknown>;
  const listen = Object.fromEntries(
    Object.entries({ rest, admin, peer }).map(([name, port]) => [name, `${plan.host}:${port}`]),
  );
  const configFile = join(directory, "atoll.yaml");
  writeFileSync(configFile, JSON.stringify({ ...config, data: dataDirectory, listen }));
  const logFile = join(directory, "atoll.log");
  return { ...plan, ports: { rest, admin, peer }, directory, dataDirectory, configFile, logFile };
}
