/** The calls that the README shows are run as they stand, against a region of their own. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RestRegion } from "./rest-region.fixture.ts";

const README = new URL("../../README.md", import.meta.url);
const region = new RestRegion();
const directory = mkdtempSync(join(tmpdir(), "atoll-readme-"));

beforeAll(() => region.open());
afterAll(async () => {
  await region.close();
  rmSync(directory, { recursive: true, force: true });
});

function callsOf(heading: string): string {
  const section = readFileSync(README, "utf8").split(`\n## ${heading}\n`)[1] ?? "";
  return /```sh\n([\s\S]*?)```/.exec(section)?.[1] ?? "";
}

/** Stops at the first call that fails, and tells which. */
async function run(script: string): Promise<string> {
  const options = { cwd: directory, timeout: 60_000 };
  const { stdout } = await promisify(execFile)("bash", ["-euo", "pipefail", "-c", script], options);
  return stdout;
}

test("every call of the README succeeds", async () => {
  const first = callsOf("Five calls").split("# … read in another.")[0] ?? "";
  const here = (script: string): string =>
    script.replaceAll("http://127.0.0.1:7101", region.url).replaceAll("curl -i", "curl -sf");
  expect(first).toContain("PUT");
  await run(here(first));
  const calls = callsOf("More calls");
  expect(calls.match(/^.*curl /gm)?.length).toBeGreaterThan(15);
  const told = await run(here(calls));
  expect(told).toContain('"winner"');
  expect(told).toContain('"rule":"one value wins');
  expect((await region.get("ada")).json).toMatchObject({
    headline: "Analyst of engines",
    stats: { followers: 1 },
    links: [{ label: "Notes on the engine" }],
  });
}, 60_000);
