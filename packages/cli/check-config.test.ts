// `atoll config check|print`: every fault is named, no secret is shown, and nothing is touched.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runCommand } from "./main.ts";
import { MemoryTerminal } from "./terminal.ts";

const SECRET = "0123456789abcdef0123456789abcdef";
const GOOD = `
region: us-east-1
cluster:
  id: test
  secret: ${SECRET}
  regions: { us-east-1: 1, eu-west-1: 2 }
data: ./data
listen: { rest: 127.0.0.1:7101, admin: 127.0.0.1:7102, peer: 127.0.0.1:7103 }
peers: { eu-west-1: ws://127.0.0.1:7203 }
`;

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "atoll-config-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

async function config(verb: "check" | "print", text: string) {
  const file = join(directory, "atoll.yaml");
  writeFileSync(file, text);
  const terminal = new MemoryTerminal();
  const exitCode = await runCommand(["config", verb, "--config", file], terminal);
  return { exitCode, out: terminal.printed.join("\n"), err: terminal.told.join("\n") };
}

test("a good file has no faults, and nothing is made of it", async () => {
  const { exitCode, out, err } = await config("check", GOOD);
  expect([exitCode, out, err]).toEqual([0, "", "No faults: this would run us-east-1."]);
  expect(readdirSync(directory)).toEqual(["atoll.yaml"]);
});

test("what would be in force is printed without the secret", async () => {
  const { exitCode, out } = await config("print", GOOD);
  expect(exitCode).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ region: "us-east-1", cluster: { shards: 256 } });
  expect(out).not.toContain(SECRET);
});

test("every fault of the file is named at once", async () => {
  const { exitCode, err } = await config("check", GOOD.replace("7101", "x").replace("7102", "y"));
  expect(exitCode).toBe(2);
  expect(err).toContain("listen.rest");
  expect(err).toContain("listen.admin");
});

test("a schema and keys that a start would refuse are refused", async () => {
  writeFileSync(join(directory, "schema.json"), "{");
  expect((await config("check", `${GOOD}schema: ./schema.json\n`)).err).toContain("schema.json");
  writeFileSync(join(directory, "keys.yaml"), "keys: [{ id: a }]");
  const { exitCode, err } = await config("check", `${GOOD}auth: { keys: ./keys.yaml }\n`);
  expect(exitCode).not.toBe(0);
  expect(err).toContain("keys.yaml");
});
