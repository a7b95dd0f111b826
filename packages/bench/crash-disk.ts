/**
 * What a region does when the disk does not: when it is full, and when it does not confirm.
 *
 *     full    `max_page_count` as a disk of that size: writes get 507, reads go on, and when there is room
 *             again writes go on by themselves
 *     fsync   every fsync from one moment on fails (injected by strace, where there is one): the process
 *             ends, nobody is answered after that, and what was answered before is there
 */
import { execFileSync } from "node:child_process";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { must, silentLog, systemClock, systemRandom } from "@atoll/core";
import { createHttpServer, createPublicApp } from "@atoll/gateway";
import { EXIT_CRASHED } from "@atoll/server";
import { openSqliteStore } from "@atoll/store";
import { crashCluster, crashDriver } from "./crash-history.ts";
import { CrashRegion } from "./crash-region.ts";

const MIB = 1024 * 1024;
const WRITES_MAX = 5_000;
/** Of the fsyncs of one region, the first that fails: it is serving by then. */
const FAILING_FROM = 40;

export interface DiskOutcome {
  readonly what: string;
  readonly isRight: boolean;
  readonly detail: string;
}

/** `quotaBytes`: how large the disk is. */
export async function fullDisk(directory: string, quotaBytes: number): Promise<DiskOutcome[]> {
  const store = openSqliteStore({ path: join(directory, "full.db"), fileBytesMax: quotaBytes });
  const driver = crashDriver(store, systemClock);
  driver.start();
  const server = createHttpServer(
    createPublicApp({
      ...{ service: driver.service, admin: { readiness: () => driver.readiness() } },
      ...{ clock: systemClock, random: systemRandom, log: silentLog, version: "bench" },
      region: must(crashCluster.regions[0], "a region").name,
    }),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/profiles`;
  try {
    let written = 0;
    let refusal = await put(url, written);
    while (refusal.status < 300 && ++written < WRITES_MAX) refusal = await put(url, written);
    const told = await refusal.text();
    const isSaid = refusal.status === 507 && told.includes("/storage-full");
    const reads = await Promise.all(
      [0, Math.floor(written / 2), written - 1].map((n) => fetch(`${url}/p${n}`)),
    );
    const again = await put(url, written);
    store.limitFile(64 * MIB);
    const resumed = await put(url, written);
    return [
      outcome("full: a write is refused with 507", isSaid, `${refusal.status} ${told}`),
      outcome("full: and so is the next", again.status === 507, String(again.status)),
      outcome(
        "full: reads go on",
        reads.every(({ ok }) => ok),
        `${written} profiles are there`,
      ),
      outcome("room again: writes go on", resumed.ok, String(resumed.status)),
    ];
  } finally {
    server.closeAllConnections();
    server.close();
    await driver.close();
    store.close();
  }
}

export async function failingFsync(directory: string): Promise<DiskOutcome[]> {
  const skipped = whyNotTraceable();
  if (skipped !== undefined) return [outcome("fsync fails", true, `skipped: ${skipped}`)];
  const region = new CrashRegion(directory, 8);
  const inject = `inject=fsync,fdatasync:error=EIO:when=${FAILING_FROM}+`;
  const tracer = ["strace", "-f", "-q", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e"];
  const isServing = await region.start([], [...tracer, inject]);
  if (isServing) await region.load();
  const { code } = await region.ended;
  const acknowledged = region.tallies.reduce((sum, tally) => sum + tally.acknowledged, 0);
  await region.start();
  let lost = 0;
  for (const tally of region.tallies) {
    lost += Math.max(0, tally.acknowledged - (await region.shown(tally)));
  }
  region.kill("SIGTERM");
  await region.ended;
  return [
    outcome(
      "fsync fails: the process ends",
      isServing && code === EXIT_CRASHED,
      `exit code ${code}`,
    ),
    outcome(
      "fsync fails: nothing that was answered is lost",
      lost === 0,
      `${acknowledged} answered, ${lost} lost`,
    ),
  ];
}

/** Undefined where system calls can be made to fail. */
function whyNotTraceable(): string | undefined {
  try {
    execFileSync("strace", ["-f", "-o", "/dev/null", "-e", "trace=none", "true"], {
      stdio: "ignore",
    });
    return undefined;
  } catch (error) {
    const isAbsent = (error as NodeJS.ErrnoException).code === "ENOENT";
    return isAbsent ? "strace is not installed (apt-get install strace)" : "tracing is not allowed";
  }
}

function put(url: string, n: number): Promise<Response> {
  return fetch(`${url}/p${n}`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ displayName: `Number ${n}`, bio: "long ".repeat(200) }),
  });
}

function outcome(what: string, isRight: boolean, detail: string): DiskOutcome {
  return { what, isRight, detail };
}
