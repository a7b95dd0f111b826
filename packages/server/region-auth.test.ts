import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  METRICS,
  ManualClock,
  MemoryLog,
  SeededRandom,
  isAtollError,
  limits,
  must,
  systemClock,
} from "@atoll/core";
import type { Role } from "@atoll/core";
import { loadRegionConfig } from "./config.ts";
import { CredentialFiles } from "./credential-files.ts";
import { newApiKey } from "./new-api-key.ts";
import { fetchRegionStatus } from "./region-status.ts";
import type { RunningRegion } from "./region.ts";
import { startRegion } from "./region.ts";

const directory = mkdtempSync(join(tmpdir(), "atoll-region-auth-"));
const random = new SeededRandom("region-auth");
const keys = new Map<Role, string>();
const log = new MemoryLog();
let region: RunningRegion;

beforeAll(async () => {
  const records: string[] = [];
  for (const role of ["reader", "writer", "operator"] as const) {
    const { key, record } = await newApiKey({ id: role, roles: [role] }, random);
    keys.set(role, key);
    records.push(record);
  }
  writeFileSync(join(directory, "keys.yaml"), `keys:\n${records.join("\n")}\n`);
  writeFileSync(
    join(directory, "region.yaml"),
    `
region: us-east-1
cluster: { id: t, secret: "a secret of many characters", regions: { us-east-1: 1, eu-west-1: 2 } }
data: data
listen: { rest: 127.0.0.1:0, admin: 127.0.0.1:0, peer: 127.0.0.1:0 }
auth: { keys: keys.yaml }
rates: { writes: { perSecond: 1, burst: 3 } }
`,
  );
  const config = loadRegionConfig({ file: join(directory, "region.yaml"), environment: {} });
  region = await startRegion(config, { log });
});
afterAll(async () => {
  await region.close();
  rmSync(directory, { recursive: true, force: true });
});

function as(role: Role): Record<string, string> {
  return { authorization: `Bearer ${must(keys.get(role), role)}` };
}

describe("a region with API keys", () => {
  test("takes them at both listeners, each for what its role permits", async () => {
    const put = (headers: Record<string, string>) =>
      fetch(`${region.urls.rest}/v1/profiles/ada`, {
        method: "PUT",
        headers: { "content-type": "application/json", ...headers },
        body: '{"displayName":"Ada"}',
      });
    expect((await put({})).status).toBe(401);
    expect((await put(as("reader"))).status).toBe(403);
    expect((await put(as("writer"))).status).toBe(201);
    const read = await fetch(`${region.urls.rest}/v1/profiles/ada`, { headers: as("reader") });
    expect(await read.json()).toEqual({ displayName: "Ada" });
    expect((await fetch(`${region.urls.rest}/livez`)).status).toBe(200);
    const config = await fetch(`${region.urls.admin}/admin/v1/config`, { headers: as("operator") });
    const text = await config.text();
    expect(text).toContain('"us-east-1"');
    expect(text).not.toContain("a secret of many characters");
  });

  test("tells who is refused apart from who is not there", async () => {
    const refused = await fetchRegionStatus(region.urls.admin, 5_000, undefined).catch(
      (error: unknown) => error,
    );
    expect(isAtollError(refused) && refused.code).toBe("unauthenticated");
    const status = await fetchRegionStatus(region.urls.admin, 5_000, keys.get("operator"));
    expect(status?.region).toBe("us-east-1");
  });

  test("shows every metric of the table to an operator, with what has happened", async () => {
    const answer = await fetch(`${region.urls.admin}/metrics`, { headers: as("operator") });
    expect(answer.headers.get("content-type")).toContain("text/plain");
    const text = await answer.text();
    for (const name of Object.keys(METRICS)) expect(text).toContain(`# TYPE atoll_${name} `);
    const lines = text.split("\n");
    const value = (start: string): number =>
      Number(
        lines
          .find((line) => line.startsWith(start))
          ?.split(" ")
          .at(-1),
      );
    expect(value("atoll_profiles ")).toBe(1);
    expect(value('atoll_changes_total{origin="local"}')).toBeGreaterThanOrEqual(1);
    expect(value("atoll_store_transaction_duration_seconds_count")).toBeGreaterThanOrEqual(1);
    const put = 'atoll_http_requests_total{method="PUT",route="/v1/profiles/:id",code="201"}';
    expect(value(put)).toBe(1);
    expect(value("atoll_antientropy_false_descents_total")).toBe(0);
    expect(value('atoll_store_file_bytes{file="database"}')).toBeGreaterThan(0);
    expect(text).not.toContain("profiles/ada"); // nobody's name is a label
  });

  test("keeps the rate of writes of each principal", async () => {
    const write = () =>
      fetch(`${region.urls.rest}/v1/profiles/bob`, {
        method: "PUT",
        headers: { "content-type": "application/json", ...as("writer") },
        body: "{}",
      });
    const statuses = [];
    for (let i = 0; i < 6; i++) statuses.push((await write()).status);
    expect(statuses).toContain(429);
  });
});

describe("files of credentials", () => {
  const file = join(directory, "changing.yaml");
  const auth = { keysFile: file, jwt: undefined };
  let files: CredentialFiles | undefined;
  afterEach(() => files?.close());

  test("that do not read well keep a region from starting", () => {
    for (const [text, reason] of [
      ["keys: [{ id: a, hash: 00, roles: [reader] }]", "/keys/0/hash"],
      ["keys: [{ id: a, hash: X, roles: [king] }]".replace("X", "0".repeat(64)), "/keys/0/roles/0"],
      ["keys: 7", "/keys"],
      ["keys: [", "config-invalid"],
    ] as const) {
      writeFileSync(file, text);
      const make = () => new CredentialFiles({ auth, clock: systemClock, log });
      expect(make).toThrow(reason === "config-invalid" ? file : reason);
    }
    expect(
      () =>
        new CredentialFiles({
          auth: { keysFile: join(directory, "none"), jwt: undefined },
          clock: systemClock,
          log,
        }),
    ).toThrow("no such file");
  });

  test("are read again when they change, and kept when the change does not read well", async () => {
    const first = await newApiKey({ id: "a", roles: ["reader"] }, random);
    const second = await newApiKey({ id: "b", roles: ["reader"] }, random);
    writeFileSync(file, `keys:\n${first.record}\n`);
    const own = new MemoryLog();
    const clock = new ManualClock();
    files = new CredentialFiles({ auth, clock, log: own });
    files.start();
    const { credentials } = files;
    expect(credentials.principalOf(first.key)).toMatchObject({ name: "key:a" });
    writeFileSync(file, "keys: [half");
    clock.advance(limits.CREDENTIALS_CHECK_MS * 3);
    expect(own.lines.filter(({ event }) => event === "credentials-not-renewed")).toHaveLength(1);
    expect(credentials.principalOf(first.key)).toMatchObject({ name: "key:a" });
    writeFileSync(file, `keys:\n${second.record}\n`);
    clock.advance(limits.CREDENTIALS_CHECK_MS);
    expect(credentials.principalOf(second.key)).toMatchObject({ name: "key:b" });
    expect(() => credentials.principalOf(first.key)).toThrow("not one of this region's");
  });
});
