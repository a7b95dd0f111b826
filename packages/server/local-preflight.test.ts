import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo, Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SeededRandom, isAtollError, systemRandom } from "@atoll/core";
import type { LocalPlan } from "./local-plan.ts";
import { LOCAL_BASE_PORT_MAX, planLocalCluster } from "./local-plan.ts";
import { findFreeBasePort, prepareLocalCluster } from "./local-preflight.ts";

const random = new SeededRandom("preflight");
let directory = "";
let basePort = 0;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "atoll-preflight-"));
  basePort = await findFreeBasePort(systemRandom);
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

async function refusalOf(plan: LocalPlan): Promise<{ code: string; text: string }> {
  try {
    (await prepareLocalCluster(plan, random)).release();
  } catch (error) {
    if (isAtollError(error))
      return { code: error.code, text: `${error.message} ${error.data.mend}` };
    throw error;
  }
  throw new Error("it was not refused");
}

function occupy(port: number): Promise<Server> {
  const server = createServer();
  return new Promise((resolve) => {
    server.listen({ host: "127.0.0.1", port }, () => resolve(server));
  });
}

test("a prepared directory holds one secret, for its owner alone, and a config for each region", async () => {
  const plan = planLocalCluster({ dataDir: join(directory, "new"), basePort });
  (await prepareLocalCluster(plan, random)).release();
  const secret = readFileSync(plan.secretFile, "utf8");
  expect(secret.trim()).toMatch(/^[0-9a-f]{64}$/);
  expect(statSync(plan.secretFile).mode & 0o777).toBe(0o600);
  for (const { configFile } of plan.regions) expect(existsSync(configFile)).toBe(true);

  (await prepareLocalCluster(plan, random)).release();
  expect(readFileSync(plan.secretFile, "utf8")).toBe(secret);
});

test.each([0, 80, 1022, LOCAL_BASE_PORT_MAX + 1, 70_000])(
  "base port %i is refused with the range that is possible",
  async (port) => {
    const { code, text } = await refusalOf(
      planLocalCluster({ dataDir: directory, basePort: port }),
    );
    expect(code).toBe("config-invalid");
    expect(text).toContain(`between 1023 and ${LOCAL_BASE_PORT_MAX}`);
  },
);

test("a port in use is refused by its number, with who uses it and the mend; no directory is made", async () => {
  const plan = planLocalCluster({ dataDir: join(directory, "new"), basePort });
  const server = await occupy(basePort + 102);
  try {
    const { code, text } = await refusalOf(plan);
    expect(code).toBe("address-in-use");
    expect(text).toContain(`Port ${basePort + 102} is in use`);
    if (existsSync("/proc/net/tcp")) expect(text).toContain(`process ${process.pid}`);
    expect(text).toContain("--base-port");
    expect(existsSync(plan.directory)).toBe(false);
  } finally {
    server.close();
  }
});

test("a directory that cannot be made is refused with the mend", async () => {
  writeFileSync(join(directory, "file"), "");
  const dataDir = join(directory, "file", "data");
  const { code, text } = await refusalOf(planLocalCluster({ dataDir, basePort }));
  expect(code).toBe("data-directory-unusable");
  expect(text).toContain(dataDir);
  expect(text).toContain("--data");
});

test("data that another cluster uses is refused, whatever the ports", async () => {
  const lock = await prepareLocalCluster(
    planLocalCluster({ dataDir: directory, basePort }),
    random,
  );
  const server = await occupy(basePort + 1);
  try {
    const { code, text } = await refusalOf(planLocalCluster({ dataDir: directory, basePort }));
    expect(code).toBe("data-directory-locked");
    expect(text).toContain("another cluster");
    expect(text).toContain(directory);
  } finally {
    server.close();
    lock.release();
  }
});

test("a refusal lets go of the directory", async () => {
  const plan = planLocalCluster({ dataDir: directory, basePort });
  const server = await occupy(basePort + 203);
  await refusalOf(plan);
  await new Promise((resolve) => server.close(resolve));
  (await prepareLocalCluster(plan, random)).release();
  expect((server.address() as AddressInfo | null) ?? null).toBeNull();
});
