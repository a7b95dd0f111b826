/** What happens to a region's process: it stands still, it is there twice, its clock is wrong. */
import { spawn } from "node:child_process";
import { cpSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { delay, must } from "@atoll/core";
import { environmentWithoutAtoll } from "@atoll/server";
import { parse, stringify } from "yaml";
import type { RegionName } from "../packages/server/faulty-links.fixture.ts";
import { copyOf } from "./file-acts.ts";
import type { Stage } from "./stage.ts";

const COMMAND = join(import.meta.dirname, "../packages/cli/bin/atoll.mjs");
const STALL_MS = 4_000;
/** Of a second process: behind the ports of the first. */
const PORT_OFFSET = 50;

export async function stallProcess({ cluster }: Stage, region: RegionName): Promise<void> {
  const pid = must(cluster.region(region).pid, "a running process");
  process.kill(pid, "SIGSTOP");
  await delay(STALL_MS);
  process.kill(pid, "SIGCONT");
}

/** A second process of a region, on a copy of its files, at ports of its own: a machine that was cloned. */
export function duplicateProcess(stage: Stage, region: RegionName): void {
  const directory = join(stage.directory, `twin-of-${region}`);
  cpSync(copyOf(stage, region), directory, { recursive: true });
  const file = join(directory, "atoll.yaml");
  const config = parse(readFileSync(file, "utf8")) as {
    readonly listen: Readonly<Record<string, string>>;
  } & Readonly<Record<string, unknown>>;
  const listen = Object.fromEntries(
    Object.entries(config.listen).map(([name, address]) => {
      const [host = "", port] = address.split(":");
      return [name, `${host}:${Number(port) + PORT_OFFSET}`];
    }),
  );
  const cluster = { ...(config["cluster"] as object), secretFile: "../cluster/cluster-secret" };
  writeFileSync(file, stringify({ ...config, cluster, listen }));
  const log = openSync(join(directory, "atoll.log"), "a");
  const child = spawn(process.execPath, [COMMAND, "serve", "--config", file], {
    env: environmentWithoutAtoll(),
    stdio: ["ignore", log, log],
  });
  stage.afterwards.push(() => void child.kill("SIGKILL"));
}

/** libfaketime in the environment that the next process inherits; its monotonic clock stays true. */
export function setClock(seconds: number): void {
  const faked = {
    LD_PRELOAD: "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    FAKETIME: `${seconds < 0 ? "" : "+"}${seconds}s`,
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
    DONT_FAKE_MONOTONIC: "1",
  };
  if (seconds === 0) for (const name of Object.keys(faked)) delete process.env[name];
  else Object.assign(process.env, faked);
}
