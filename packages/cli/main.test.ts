import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { runCommand } from "./main.ts";
import { MemoryTerminal } from "./terminal.ts";

const ATOLL = fileURLToPath(new URL("./bin/atoll.mjs", import.meta.url));

async function atoll(...argv: string[]) {
  const terminal = new MemoryTerminal();
  const exitCode = await runCommand(argv, terminal);
  return { exitCode, out: terminal.printed.join("\n"), err: terminal.told.join("\n") };
}

test("help and version are data and succeed", async () => {
  expect(await atoll("--help")).toMatchObject({ exitCode: 0, err: "" });
  expect((await atoll("--version")).out).toMatch(/^\d+\.\d+\.\d+$/);
});

test.each([
  ["an unknown command", ["swim"]],
  ["an unknown option", ["status", "--colour"]],
  ["a missing argument", ["profile", "get"]],
  ["an endpoint that is no URL", ["profile", "get", "a", "--endpoint", "localhost"]],
  ["no concurrency at all", ["profile", "import", "f", "--concurrency", "0"]],
  ["a base port that is no number", ["local", "--base-port", "many"]],
  ["edits that are no number", ["demo", "--edits", "some"]],
])("%s is a usage error, told on standard error", async (_name, argv) => {
  const { exitCode, out, err } = await atoll(...argv);
  expect(exitCode).toBe(2);
  expect(out).toBe("");
  expect(err).not.toBe("");
});

test("a base port without room for nine ports is one line with the mend", () => {
  // As a process of its own: the command takes over how its process is told to stop.
  const argv = [ATOLL, "local", "--data", "/nonexistent", "--base-port", "70000"];
  const { status, stderr } = spawnSync(process.execPath, argv, { encoding: "utf8" });
  expect(status).toBe(1);
  expect(stderr.split("\n").filter((line) => line.startsWith("atoll: "))).toEqual([
    expect.stringContaining("--base-port"),
  ]);
});

test("regions that do not answer are unhealthy, as a table and as JSON", async () => {
  const table = await atoll("status", "--endpoint", "http://127.0.0.1:1");
  expect(table.exitCode).toBe(3);
  expect(table.out).toContain("no answer");
  const json = await atoll("status", "--endpoint", "http://127.0.0.1:1", "-o", "json");
  expect(json.exitCode).toBe(3);
  expect(JSON.parse(json.out)).toMatchObject({ healthy: false, regions: [{ status: null }] });
});

test("a config file that is not there is one line, and its faults are a usage error", async () => {
  const { exitCode, err } = await atoll("serve", "--config", "/nonexistent/atoll.yaml");
  expect(exitCode).toBe(1);
  expect(err).toMatch(/^atoll: \/nonexistent\/atoll\.yaml cannot be read/);
});
