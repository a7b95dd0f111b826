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
import type { Role, Tenant } from "@atoll/core";
import { loadRegionConfig } from "./config.ts";
import { CredentialFiles } from "./credential-files.ts";
import { newApiKey } from "./new-api-key.ts";
import { fetchRegionStatus } from "./region-status.ts";
import type { RunningRegion } from "./region.ts";
import { startRegion } from "./region.ts";

const directory = mkdtempSync(join(tmpdir(), "atoll-region-auth-"));
const random = new SeededRandom("region-auth");
const keys = new Map<Role, string>();
const tenants = new Map<"acme" | "limited", string>();
const log = new MemoryLog();
let region: RunningRegion;

beforeAll(async () => {
  const records: string[] = [];
  for (const role of ["reader", "writer", "operator"] as const) {
    const { key, record } = await newApiKey({ id: role, roles: [role] }, random);
    keys.set(role, key);
    records.push(record);
  }
  for (const [id, fields] of [
    ["acme", undefined],
    ["limited", ["bio", "stats"]],
  ] as const) {
    const tenant = "acme" as Tenant;
    const roles: Role[] = ["writer", "auditor"];
    const made = await newApiKey({ id, roles, tenant, fields }, random);
    tenants.set(id, made.key);
    records.push(made.record);
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
rates: { writes: { perSecond: 1, burst: 12 } }
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

  describe("of several tenants", () => {
    const call = (who: string | undefined, method: string, path: string, body?: unknown) =>
      fetch(`${region.urls.rest}/v1${path}`, {
        method,
        headers: {
          authorization: `Bearer ${must(who, "a key")}`,
          "content-type": method === "PATCH" ? "application/merge-patch+json" : "application/json",
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
    const acme = () => tenants.get("acme");
    const limited = () => tenants.get("limited");
    const writer = () => keys.get("writer");

    test("shows each its own profiles under the ids it gave, and nothing of the others", async () => {
      const put = await call(acme(), "PUT", "/profiles/ada", { displayName: "Ada of Acme" });
      expect([put.status, put.headers.get("location")]).toEqual([201, "/v1/profiles/ada"]);
      const read = async (who: string | undefined) =>
        await (await call(who, "GET", "/profiles/ada")).json();
      expect(await read(acme())).toEqual({ displayName: "Ada of Acme" });
      expect(await read(writer())).toEqual({ displayName: "Ada" });
      for (const path of ["/profiles", "/profiles?orderBy=updatedAt", "/changes?include=data"]) {
        const own = await (await call(acme(), "GET", path)).text();
        const other = await (await call(writer(), "GET", path)).text();
        expect(own).toContain("Ada of Acme");
        expect(own).toContain('"id":"ada"');
        expect(own).not.toContain("acme/");
        expect(other).not.toContain("Acme");
      }
      const many = await call(writer(), "POST", "/profiles:batchGet", { ids: ["ada"] });
      expect(await many.json()).toMatchObject({
        items: [{ id: "ada", data: { displayName: "Ada" } }],
      });
    });

    test("lets a credential of some members see and set those", async () => {
      await call(acme(), "PUT", "/profiles/bob", { displayName: "Bob", bio: "b" });
      const shown = await call(limited(), "GET", "/profiles/bob");
      expect(await shown.json()).toEqual({ bio: "b" });
      const asked = await call(limited(), "GET", "/profiles/bob?fields=displayName,bio");
      expect(await asked.json()).toEqual({ bio: "b" });
      const patched = await call(limited(), "PATCH", "/profiles/bob", { bio: "new" });
      expect([patched.status, await patched.json()]).toEqual([200, { bio: "new" }]);
      const beyond = await call(limited(), "PATCH", "/profiles/bob", {
        bio: "x",
        displayName: "y",
      });
      expect(beyond.status).toBe(403);
      expect(await beyond.json()).toMatchObject({ errors: [{ pointer: "/displayName" }] });
      for (const [method, path, body] of [
        ["PUT", "/profiles/bob", { bio: "x" }],
        ["DELETE", "/profiles/bob", undefined],
        ["GET", "/profiles/bob/history", undefined],
        ["GET", "/profiles/bob/snapshot", undefined],
        ["GET", "/profiles/bob/conflicts", undefined],
      ] as const) {
        const answer = await call(limited(), method, path, body);
        expect([method, path, answer.status]).toEqual([method, path, 403]);
      }
      const feed = await (await call(limited(), "GET", "/changes?include=data")).text();
      expect(feed).toContain('"bio":"new"');
      expect(feed).not.toContain("Bob");
      expect(await (await call(limited(), "GET", "/profiles")).text()).not.toContain("Bob");
    });

    test("shows who asked for a change, by the name of their credential", async () => {
      await call(acme(), "PUT", "/profiles/eve", { displayName: "Eve" });
      await call(limited(), "PATCH", "/profiles/eve", { bio: "b" });
      const writes = [{ id: "eve", method: "mergePatch", patch: { displayName: "E." } }];
      await call(acme(), "POST", "/profiles:batchWrite", { writes });
      const history = (await (await call(acme(), "GET", "/profiles/eve/history")).json()) as {
        items: { principal: string; message: string | null }[];
      };
      expect(history.items.map(({ principal, message }) => [principal, message])).toEqual([
        ["key:acme", null],
        ["key:limited", null],
        ["key:acme", null],
      ]);
      const explained = await call(acme(), "GET", "/profiles/eve/explain?pointer=/displayName");
      expect(await explained.json()).toMatchObject({ writer: { principal: "key:acme" } });
    });

    test("shows earlier versions to auditors only", async () => {
      const at = `?at=${encodeURIComponent(new Date(systemClock.nowMs()).toISOString())}`;
      expect((await call(writer(), "GET", `/profiles/ada${at}`)).status).toBe(403);
      expect((await call(acme(), "GET", `/profiles/ada${at}`)).status).toBe(200);
    });
  });

  test("keeps the rate of writes of each principal", async () => {
    const write = () =>
      fetch(`${region.urls.rest}/v1/profiles/bob`, {
        method: "PUT",
        headers: { "content-type": "application/json", ...as("writer") },
        body: "{}",
      });
    const statuses = [];
    for (let i = 0; i < 20; i++) statuses.push((await write()).status);
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
