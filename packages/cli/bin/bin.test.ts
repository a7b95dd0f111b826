import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { systemClock } from "@atoll/core";

const ATOLL = fileURLToPath(new URL("./atoll.mjs", import.meta.url));
const PREPARE = fileURLToPath(new URL("./prepare.mjs", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "atoll-bin-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const older = ["/usr/bin/node", "/usr/local/bin/node"].find(isOlderNode);

function isOlderNode(path: string): boolean {
  if (!existsSync(path)) return false;
  const version = execFileSync(path, ["-p", "process.versions.node"], { encoding: "utf8" });
  const [major = 0, minor = 0] = version.trim().split(".").map(Number);
  return major >= 20 && (major < 24 || (major === 24 && minor < 12));
}

describe.skipIf(older === undefined)(
  "on a Node that cannot run TypeScript (skipped without one)",
  () => {
    test("the command runs on the pinned runtime, with its output and exit code", () => {
      const version = spawnSync(older ?? "", [ATOLL, "--version"], { encoding: "utf8" });
      expect(version).toMatchObject({ status: 0, stderr: "" });
      expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
      const usage = spawnSync(older ?? "", [ATOLL, "swim"], { encoding: "utf8" });
      expect(usage.status).toBe(2);
      expect(usage.stderr).toContain("unknown command");
    });

    test("a signal reaches the command, and its end is the end of the whole", async () => {
      const deaf = createServer();
      await new Promise<void>((resolve) => {
        deaf.listen(0, "127.0.0.1", resolve);
      });
      const connected = once(deaf, "connection");
      const endpoint = `http://127.0.0.1:${(deaf.address() as AddressInfo).port}`;
      const child = spawn(older ?? "", [ATOLL, "profile", "get", "a", "--endpoint", endpoint]);
      const ended = once(child, "exit");
      const [socket] = (await connected) as [Socket];
      const hungUp = once(socket.resume(), "close");
      child.kill("SIGTERM");
      expect(await ended).toEqual([null, "SIGTERM"]);
      await hungUp; // the command itself is gone, not only what started it
      deaf.close();
    });

    test("preparing what is prepared costs next to nothing", () => {
      const root = installedAt("ready", { lockedS: 1_000, installedS: 2_000 });
      const run = () => spawnSync(older ?? "", [PREPARE, root], { encoding: "utf8" });
      const bare = () => spawnSync(older ?? "", ["-e", "0"]);
      const fastestOf = (start: () => unknown): number => {
        const tookMs = [0, 0, 0].map(() => {
          const startMs = systemClock.monotonicMs();
          start();
          return systemClock.monotonicMs() - startMs;
        });
        return Math.min(...tookMs);
      };
      const bareMs = fastestOf(bare);
      const tookMs = fastestOf(() => {
        expect(run()).toMatchObject({ status: 0, stdout: "", stderr: "" });
      });
      expect(tookMs / bareMs).toBeLessThan(5); // npm alone would take ten times a bare start
    });
  },
);

describe("preparing", () => {
  const empty = join(scratch, "empty");
  mkdirSync(empty);
  test.each([
    ["nothing is installed", () => empty, "nothing is installed yet"],
    ["an installation broke off", () => brokenOff(), "was not finished"],
    [
      "the lock file is newer",
      () => installedAt("stale", { lockedS: 2_000, installedS: 1_000 }),
      "package-lock.json is newer",
    ],
  ])("installs when %s, and says why and what to do when it cannot", (_name, root, reason) => {
    // Without npm on the path the installation fails at once, and nothing is fetched.
    const run = spawnSync(process.execPath, [PREPARE, root()], {
      encoding: "utf8",
      env: { PATH: empty },
    });
    expect(run.status).toBe(1);
    expect(run.stdout).toBe("");
    expect(run.stderr).toContain(reason);
    expect(run.stderr).toContain("npm ci cannot run");
  });

  function brokenOff(): string {
    const root = join(scratch, "broken");
    mkdirSync(join(root, "node_modules"), { recursive: true });
    return root;
  }
});

function installedAt(
  name: string,
  { lockedS, installedS }: { lockedS: number; installedS: number },
) {
  const root = join(scratch, name);
  mkdirSync(join(root, "node_modules"), { recursive: true });
  const files: [string, number][] = [
    [join(root, "package-lock.json"), lockedS],
    [join(root, "node_modules", ".package-lock.json"), installedS],
  ];
  for (const [file, seconds] of files) {
    writeFileSync(file, "{}");
    utimesSync(file, seconds, seconds);
  }
  return root;
}
