/**
 * Everything that can stop a local cluster from starting, asked before anything is started.
 *
 * Three processes that fail one after the other leave a person with three logs and a riddle. Here each
 * cause is one sentence with its mend, and a refusal leaves the machine as it was.
 */
import { accessSync, chmodSync, constants, existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { Random } from "@atoll/core";
import { AtollError, errorText, isAtollError, toHex } from "@atoll/core";
import { lockDirectory, makeDirectories } from "@atoll/store";
import type { LocalPlan } from "./local-plan.ts";
import {
  LOCAL_BASE_PORT_MAX,
  LOCAL_BASE_PORT_MIN,
  localConfigText,
  localContextsText,
  localPorts,
  planLocalCluster,
} from "./local-plan.ts";
import { portOwnerText } from "./port-owner.ts";

const HOST = "127.0.0.1";
/** Free ranges that are tried before giving up: each is nine ports, nearly always all free. */
const FREE_RANGE_ATTEMPTS = 50;

export interface PreparedDirectory {
  /** Lets another cluster use the directory. */
  release(): void;
}

/** Throws `AtollError` with cause and mend; then nothing was started, and no directory was made. */
export async function prepareLocalCluster(
  plan: LocalPlan,
  random: Random,
): Promise<PreparedDirectory> {
  checkBasePort(plan.basePort);
  // Who starts the same cluster twice shall hear about the data, not about the ports that follow
  // from it; but a directory is made only when nothing else stands in the way.
  if (!existsSync(plan.directory)) await checkPorts(localPorts(plan));
  makeWritable(plan.directory);
  const lock = lockCluster(plan.directory);
  try {
    await checkPorts(localPorts(plan));
    writeFiles(plan, random);
    return lock;
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** A base port whose nine ports are free now. For tests and the demo; somebody may still be faster. */
export async function findFreeBasePort(random: Random): Promise<number> {
  for (let attempt = 0; attempt < FREE_RANGE_ATTEMPTS; attempt++) {
    const basePort = 20_000 + random.below(30_000);
    const ports = localPorts(planLocalCluster({ dataDir: ".", basePort }));
    const failures = await Promise.all(ports.map(tryPort));
    if (failures.every((failure) => failure === undefined)) return basePort;
  }
  throw new AtollError("address-in-use", "No nine free ports were found", {
    mend: "Name a base port with --base-port.",
  });
}

function checkBasePort(basePort: number): void {
  const isSane =
    Number.isInteger(basePort) &&
    basePort >= LOCAL_BASE_PORT_MIN &&
    basePort <= LOCAL_BASE_PORT_MAX;
  if (isSane) return;
  throw new AtollError("config-invalid", `${basePort} is no base port for nine ports`, {
    mend: `Choose --base-port between ${LOCAL_BASE_PORT_MIN} and ${LOCAL_BASE_PORT_MAX}.`,
  });
}

function makeWritable(directory: string): void {
  try {
    makeDirectories(directory);
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new AtollError(
      "data-directory-unusable",
      `The data directory ${directory} cannot be written (${reasonOf(error)})`,
      { mend: "Choose a directory that you may write with --data." },
      error,
    );
  }
}

function lockCluster(directory: string): PreparedDirectory {
  try {
    return lockDirectory(directory);
  } catch (error) {
    if (!isAtollError(error) || error.code !== "data-directory-locked") throw error;
    throw new AtollError(
      "data-directory-locked",
      `The data directory is in use by another cluster: ${error.message}`,
      { mend: "Stop that cluster, or choose another directory with --data." },
      error,
    );
  }
}

async function checkPorts(ports: readonly number[]): Promise<void> {
  for (const port of ports) {
    const failure = await tryPort(port);
    if (failure === undefined) continue;
    const cause =
      failure === "EADDRINUSE" ? `is in use${portOwnerText(port)}` : `refused: ${failure}`;
    throw new AtollError("address-in-use", `Port ${port} ${cause}`, {
      mend: "Stop that process, or choose other ports with --base-port.",
    });
  }
}

/** Undefined when it can be listened on; otherwise the system's code. */
function tryPort(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    probe.listen({ host: HOST, port, exclusive: true }, () => {
      probe.close(() => resolve(undefined));
    });
  });
}

/** The secret stays, because everything that is keyed follows from it; the rest follows from the plan. */
function writeFiles(plan: LocalPlan, random: Random): void {
  try {
    if (!existsSync(plan.secretFile)) {
      writeFileSync(plan.secretFile, `${toHex(random.bytes(32))}\n`, { mode: 0o600, flag: "wx" });
    }
    chmodSync(plan.secretFile, 0o600);
    readFileSync(plan.secretFile);
    writeFileSync(plan.contextsFile, localContextsText(plan));
    for (const region of plan.regions) {
      makeDirectories(region.directory);
      writeFileSync(region.configFile, localConfigText(plan, region));
      writeFileSync(region.logFile, "", { flag: "a" });
    }
  } catch (error) {
    throw new AtollError(
      "data-directory-unusable",
      `The data directory ${plan.directory} cannot be written (${reasonOf(error)})`,
      { mend: "Choose a directory that you may write with --data." },
      error,
    );
  }
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : errorText(error);
}
