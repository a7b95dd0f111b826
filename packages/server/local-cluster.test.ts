import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { delay, limits, must, systemClock, systemRandom } from "@atoll/core";
import { lockDirectory } from "@atoll/store";
import type { LocalCluster } from "./local-cluster.ts";
import { startLocalCluster } from "./local-cluster.ts";
import { localPorts, planLocalCluster } from "./local-plan.ts";
import { findFreeBasePort } from "./local-preflight.ts";
import { fetchRegionStatus } from "./region-status.ts";

const ATOLL = fileURLToPath(new URL("../cli/bin/atoll.mjs", import.meta.url));
const DEMO_EDITS = fileURLToPath(new URL("../bench/data/edits.jsonl.gz", import.meta.url));
const PATIENCE_MS = 30_000;

let dataDir = "";
let basePort = 0;
let running: LocalCluster | undefined;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "atoll-local-"));
  basePort = await findFreeBasePort(systemRandom);
});
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

/** The cluster that the last test left running, or a new one: a start costs more than most tests do. */
async function start(): Promise<LocalCluster> {
  return (running ??= await startLocalCluster({ dataDir, basePort }));
}

async function stop(): Promise<boolean | undefined> {
  const isInOrder = await running?.stop();
  running = undefined;
  return isInOrder;
}

/** Looks until it is so; the real processes tell when they are ready, nobody knows how long it takes. */
async function eventually(what: string, isSo: () => Promise<boolean> | boolean): Promise<void> {
  const untilMs = systemClock.monotonicMs() + PATIENCE_MS;
  while (!(await isSo())) {
    if (systemClock.monotonicMs() > untilMs) throw new Error(`never: ${what}`);
    await delay(20);
  }
}

function put(rest: string, id: string, body: object, headers = {}): Promise<Response> {
  return fetch(`${rest}/v1/profiles/${id}`, {
    method: "PUT",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}

function patch(rest: string, id: string, body: object): Promise<Response> {
  return fetch(`${rest}/v1/profiles/${id}?upsert=true`, {
    method: "PATCH",
    headers: { "content-type": "application/merge-patch+json" },
    body: JSON.stringify(body),
  });
}

interface DemoEdit {
  readonly id: string;
  readonly op: string;
  readonly value: object;
}

/** The latest edits of the real history that change something. */
function demoEdits(count: number): DemoEdit[] {
  const lines = gunzipSync(readFileSync(DEMO_EDITS)).toString("utf8").trimEnd().split("\n");
  const edits = lines.slice(-2 * count).map((line) => JSON.parse(line) as DemoEdit);
  return edits.filter(({ op }) => op !== "delete").slice(-count);
}

async function get(rest: string, id: string): Promise<string | undefined> {
  const answer = await fetch(`${rest}/v1/profiles/${id}`);
  const text = await answer.text();
  return answer.status === 200 ? text : undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function allPortsAreFree(): Promise<boolean> {
  for (const port of localPorts(planLocalCluster({ dataDir, basePort }))) {
    const probe = createServer().listen({ host: "127.0.0.1", port });
    const isFree = await once(probe, "listening").then(
      () => true,
      () => false,
    );
    await new Promise((resolve) => probe.close(resolve));
    if (!isFree) return false;
  }
  return true;
}

async function rootsAreEqual(cluster: LocalCluster): Promise<boolean> {
  const statuses = await Promise.all(
    cluster.regions.map(({ admin }) => fetchRegionStatus(admin, 2_000)),
  );
  return new Set(statuses.map((status) => status?.root ?? "none")).size === 1;
}

async function expectDurableEverywhere({ regions }: LocalCluster): Promise<void> {
  const asia = must(regions[2], "Asia");
  const prefer = { prefer: "durability=all, wait=10, handling=strict" };
  const answer = await put(asia.rest, "everywhere", { role: "poet" }, prefer);
  expect(answer.status).toBe(201);
  expect(answer.headers.get("durable-in")).toBe("us-east-1, eu-west-1, ap-northeast-1");
}

/** Written in one region, asked for in another that is cut off: the first answers in its place. */
async function expectProxied({ regions }: LocalCluster): Promise<void> {
  const [us, eu, asia] = regions.map((region) => must(region, "a region"));
  if (us === undefined || eu === undefined || asia === undefined) throw new Error("three regions");
  const setLinks = async (state: "paused" | "active"): Promise<void> => {
    for (const { name } of [us, asia]) {
      const url = `${eu.admin}/admin/v1/peers/${name}/state`;
      const body = JSON.stringify({ state });
      const headers = { "content-type": "application/json" };
      expect((await fetch(url, { method: "PUT", headers, body })).status).toBe(200);
    }
  };
  await setLinks("paused");
  const written = await put(us.rest, "proxied", { role: "poet" }, { prefer: "durability=local" });
  const headers = { "session-token": written.headers.get("session-token") ?? "" };
  const read = await fetch(`${eu.rest}/v1/profiles/proxied`, { headers });
  expect(await read.text()).toBe('{"role":"poet"}');
  expect(read.headers.get("served-by-region")).toBe("us-east-1");
  expect(read.headers.get("forwarded-by-region")).toBe("eu-west-1");
  const changed = await put(eu.rest, "proxied", { role: "analyst" }, headers);
  expect(changed.headers.get("served-by-region")).toBe("us-east-1");
  expect(await get(us.rest, "proxied")).toBe('{"role":"analyst"}');
  expect(await get(eu.rest, "proxied")).toBeUndefined();
  await setLinks("active");
}

describe("three regions on one machine", () => {
  afterAll(stop);

  test("take a write in any region and show it in all, and nothing is left of them when stopped", async () => {
    const cluster = await start();
    for (const { rest } of cluster.regions) {
      expect((await fetch(`${rest}/readyz`)).status).toBe(200);
    }
    for (const { name, rest } of cluster.regions) {
      expect((await put(rest, `from-${name}`, { displayName: name })).status).toBe(201);
    }
    for (const writer of cluster.regions) {
      for (const { name, rest } of cluster.regions) {
        await eventually(`${name} shows what ${writer.name} wrote`, async () => {
          return (await get(rest, `from-${writer.name}`)) === `{"displayName":"${writer.name}"}`;
        });
      }
    }
    await expectDurableEverywhere(cluster);
    await expectProxied(cluster);
    const pids = cluster.regions.map(({ pid }) => must(pid, "a running process"));
    expect(await stop()).toBe(true);
    expect(pids.filter(isAlive)).toEqual([]);
  });

  test("find their data when they are started again", async () => {
    const cluster = await start();
    for (const { rest } of cluster.regions) {
      expect(await get(rest, "from-us-east-1")).toBe('{"displayName":"us-east-1"}');
    }
    await eventually("equal roots", () => rootsAreEqual(cluster));
    const status = await fetchRegionStatus(must(cluster.regions[0], "a region").admin, 2_000);
    expect(status?.incarnation).toBe(0); // they were stopped in order
  });

  test("refuse a second start on the same data, and go on themselves", async () => {
    const cluster = await start();
    const elsewhere = await findFreeBasePort(systemRandom);
    await expect(startLocalCluster({ dataDir, basePort: elsewhere })).rejects.toMatchObject({
      code: "data-directory-locked",
    });
    const first = must(cluster.regions[0], "a region");
    expect((await fetch(`${first.rest}/readyz`)).status).toBe(200);
  });

  test("lose no acknowledged edit to kill -9 in the middle of the demo's edits, and catch up", async () => {
    const cluster = await start();
    const edits = demoEdits(240);
    const acknowledged: { readonly id: string; readonly mark: string; readonly region: string }[] =
      [];
    const ofEurope = () => acknowledged.filter(({ region }) => region === "eu-west-1").length;
    const { promise: restarted, resolve: tellRestarted } = Promise.withResolvers<void>();
    // Every region takes each third edit; each edit leaves a mark by which it is found again.
    const writeIn = async ({ name, rest }: LocalCluster["regions"][number], offset: number) => {
      for (let i = offset; i < edits.length; i += 3) {
        const { id, value } = must(edits[i], "an edit");
        const mark = `edit${i}`;
        const answer = await patch(rest, id, { ...value, marks: { [mark]: true } }).catch(
          () => undefined,
        );
        if (answer?.ok === true) acknowledged.push({ id, mark, region: name });
        else if (answer === undefined) await restarted;
      }
    };
    const writing = Promise.all(cluster.regions.map(writeIn));
    await eventually("Europe has written", () => ofEurope() >= 24);
    await cluster.kill("eu-west-1");
    expect(cluster.regions[1]?.pid).toBeUndefined();
    const atKill = acknowledged.length;
    await eventually("the others go on", () => acknowledged.length >= atKill + 24);
    await cluster.restart("eu-west-1");
    tellRestarted();
    await writing;

    expect(ofEurope()).toBeGreaterThan(53); // of 80; at most one was under way when it died
    await eventually("equal roots", () => rootsAreEqual(cluster));
    const ids = [...new Set(acknowledged.map(({ id }) => id))];
    for (const id of ids) {
      const copies = await Promise.all(cluster.regions.map(({ rest }) => get(rest, id)));
      expect(new Set(copies).size).toBe(1);
      const { marks } = JSON.parse(must(copies[0], id)) as { marks: Record<string, true> };
      const expected = acknowledged.filter((edit) => edit.id === id).map(({ mark }) => mark);
      expect(Object.keys(marks)).toEqual(expect.arrayContaining(expected));
    }
  });
});

describe("a start that cannot succeed", () => {
  test("with a port in use is refused before anything is started", async () => {
    const server = createServer().listen({ host: "127.0.0.1", port: basePort + 203 });
    await once(server, "listening");
    try {
      await expect(start()).rejects.toMatchObject({
        code: "address-in-use",
        message: expect.stringContaining(`Port ${basePort + 203}`) as string,
      });
    } finally {
      server.close();
    }
  });

  test("because one region fails shows its last words and stops the others", async () => {
    const spoiled = mkdtempSync(join(tmpdir(), "atoll-spoiled-"));
    try {
      const plan = planLocalCluster({ dataDir: spoiled, basePort });
      const victim = must(plan.regions[2], "a region");
      // A directory where the database should be: the region cannot open it.
      mkdirSync(join(victim.directory, "atoll.db"), { recursive: true });
      const startMs = systemClock.monotonicMs();
      await expect(startLocalCluster({ dataDir: spoiled, basePort })).rejects.toMatchObject({
        message: expect.stringContaining("ap-northeast-1") as string,
        data: { mend: expect.stringContaining("atoll: ") as string },
      });
      expect(systemClock.monotonicMs() - startMs).toBeLessThan(limits.LOCAL_START_MS_MAX / 2);
      expect(await allPortsAreFree()).toBe(true);
    } finally {
      rmSync(spoiled, { recursive: true, force: true });
    }
  });
});

describe("the command", () => {
  test("runs the three until SIGINT, then stops them in order and succeeds", async () => {
    const argv = [ATOLL, "local", "--data", dataDir, "--base-port", String(basePort)];
    const child = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    await eventually("the table and what to try", () => out.includes("Ctrl-C stops all three"));
    for (const { rest } of planLocalCluster({ dataDir, basePort }).regions) {
      expect(out).toContain(rest);
      expect((await fetch(`${rest}/readyz`)).status).toBe(200);
    }
    const ended = once(child, "exit");
    child.kill("SIGINT");
    child.kill("SIGINT"); // as terminal and npm both send it
    expect(await ended).toEqual([0, null]);
    expect(await allPortsAreFree()).toBe(true);
  });

  test("that is killed takes its regions along", async () => {
    const argv = [ATOLL, "local", "--data", dataDir, "--base-port", String(basePort)];
    const child = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    await eventually("the table and what to try", () => out.includes("Ctrl-C stops all three"));
    child.kill("SIGKILL");
    await eventually("all ports are free", allPortsAreFree);
    const { logFile } = must(planLocalCluster({ dataDir, basePort }).regions[0], "a region");
    expect(readFileSync(logFile, "utf8")).toContain("parent-gone");
  });

  test("serve with a port in use says so in one line, names the key, and leaves no lock", async () => {
    const plan = planLocalCluster({ dataDir, basePort });
    const region = must(plan.regions[0], "a region");
    const server = createServer().listen({ host: "127.0.0.1", port: region.ports.rest });
    await once(server, "listening");
    const { code, stderr } = await new Promise<{ code: unknown; stderr: string }>((resolve) => {
      execFile(
        process.execPath,
        [ATOLL, "serve", "--config", region.configFile],
        (error, _stdout, stderr) => resolve({ code: error?.code ?? 0, stderr }),
      );
    });
    server.close();
    expect(code).toBe(1);
    expect(stderr.trim().split("\n")).toEqual([
      expect.stringMatching(/^atoll: 127\.0\.0\.1:\d+ is in use.*listen\.rest\.$/),
    ]);
    expect(await allPortsAreFree()).toBe(true);
    lockDirectory(region.directory).release();
  });
});
