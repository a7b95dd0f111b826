// `atoll profile put|patch|rm|export` against a listener that answers what the test says.
import { createServer } from "node:http";
import type { IncomingHttpHeaders, Server } from "node:http";
import type { AddressInfo } from "node:net";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runCommand } from "./main.ts";
import { MemoryTerminal } from "./terminal.ts";

interface Asked {
  readonly what: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

let directory: string;
let server: Server;
let asked: Asked[];
let answers: Map<string, { status: number; body?: unknown }>;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "atoll-profile-"));
  asked = [];
  answers = new Map();
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      const what = `${request.method ?? ""} ${(request.url ?? "").replace("/v1/profiles", "")}`;
      asked.push({ what, headers: request.headers, body });
      const answer = answers.get(what) ?? { status: 404, body: { title: "Not found" } };
      response.writeHead(answer.status, {
        "content-type": "application/json",
        "session-token": `after-${asked.length}`,
        "served-by-region": "eu-west-1",
      });
      response.end(answer.body === undefined ? undefined : JSON.stringify(answer.body));
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
});

afterEach(async () => {
  rmSync(directory, { recursive: true, force: true });
  server.closeAllConnections();
  await new Promise((resolve) => {
    server.close(resolve);
  });
});

async function atoll(...argv: string[]) {
  const terminal = new MemoryTerminal();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const exitCode = await runCommand(["profile", ...argv, "--endpoint", url], terminal);
  return { exitCode, out: terminal.printed.join("\n"), err: terminal.told.join("\n") };
}

function file(text: string): string {
  const path = join(directory, "body.json");
  writeFileSync(path, text);
  return path;
}

test("a profile is put as the file says, and told where", async () => {
  answers.set("PUT /ada", { status: 201 });
  const { exitCode, out, err } = await atoll("put", "ada", file('{"role":"poet"}'));
  expect([exitCode, out, err]).toEqual([0, "", "ada was created in eu-west-1."]);
  expect(asked[0]?.body).toBe('{"role":"poet"}');
  expect(asked[0]?.headers["content-type"]).toBe("application/json");
});

test.each([
  [[], "PATCH /ada", "application/merge-patch+json"],
  [["--type", "json", "--upsert"], "PATCH /ada?upsert=true", "application/json-patch+json"],
  [["--type", "ops"], "PATCH /ada", "application/vnd.atoll.ops+json"],
])("a patch with %j is sent as what it is", async (options, what, type) => {
  answers.set(what, { status: 204 });
  const { exitCode, err } = await atoll("patch", "ada", file("[]"), ...options);
  expect([exitCode, err]).toEqual([0, "ada is written in eu-west-1."]);
  expect(asked[0]?.headers["content-type"]).toBe(type);
});

test("nothing is sent by a dry run, nor what is no JSON, nor a removal that nobody confirms", async () => {
  const body = file("{}");
  expect((await atoll("put", "ada", body, "--dry-run")).out).toMatch(/^Would make ada at http/);
  expect((await atoll("patch", "ada", body, "--dry-run")).out).toMatch(/^Would change ada/);
  expect((await atoll("rm", "ada", "--dry-run")).out).toMatch(/^Would remove ada at /);
  const silent = await atoll("rm", "ada", "bob");
  expect(silent.exitCode).toBe(2);
  expect(silent.err).toContain("--yes");
  expect(await atoll("put", "ada", file("{"))).toMatchObject({ exitCode: 1 });
  expect(asked).toEqual([]);
});

test("profiles are removed in one session, which is told and may be gone on from", async () => {
  answers.set("DELETE /ada", { status: 204 });
  answers.set("DELETE /bob", { status: 204 });
  const { exitCode, err } = await atoll("rm", "ada", "bob", "--yes", "--session", "before");
  expect(exitCode).toBe(0);
  expect(err.split("\n")).toEqual([
    "ada was removed in eu-west-1.",
    "bob was removed in eu-west-1.",
    "Session-Token: after-2",
  ]);
  expect(asked.map(({ headers }) => headers["session-token"])).toEqual(["before", "after-1"]);
});

test("a read tells its session to whoever asks, and else nothing", async () => {
  answers.set("GET /ada", { status: 200, body: { role: "poet" } });
  expect(await atoll("get", "ada")).toMatchObject({ out: '{"role":"poet"}', err: "" });
  expect((await atoll("get", "ada", "--session")).err).toBe("Session-Token: after-2");
  expect(asked.map(({ headers }) => headers["session-token"])).toEqual([undefined, undefined]);
});

test.each([
  [401, 5, "ATOLL_TOKEN"],
  [403, 5, "ATOLL_TOKEN"],
  [422, 1, "status 422"],
])("a write that is answered %i ends with %i and says why", async (status, exitCode, words) => {
  answers.set("PUT /ada", { status, body: { title: "No" } });
  const refused = await atoll("put", "ada", file("{}"));
  expect(refused.exitCode).toBe(exitCode);
  expect(refused.err).toContain(words);
});

test("an export is every page, as lines that import takes", async () => {
  const item = (id: string) => ({ id, etag: "e", data: { displayName: id } });
  answers.set("GET ?pageSize=2", {
    status: 200,
    body: { items: [item("ada"), item("bob")], nextPageToken: "n+1" },
  });
  answers.set("GET ?pageSize=2&pageToken=n%2B1", { status: 200, body: { items: [item("cyn")] } });
  const lines = ["ada", "bob", "cyn"].map((id) =>
    JSON.stringify({ id, profile: { displayName: id } }),
  );
  const shown = await atoll("export", "--page-size", "2");
  expect(shown).toEqual({ exitCode: 0, out: lines.join("\n"), err: "3 profiles exported." });
  expect(asked[1]?.headers["session-token"]).toBe("after-1");

  const out = join(directory, "all.jsonl");
  expect((await atoll("export", "--page-size", "2", "--out", out)).exitCode).toBe(0);
  expect(readFileSync(out, "utf8")).toBe(`${lines.join("\n")}\n`);
  const again = await atoll("export", "--page-size", "2", "--out", out);
  expect(again.exitCode).toBe(1);
  expect(again.err).toContain(`${out} cannot be written`);
  expect(readFileSync(out, "utf8")).toBe(`${lines.join("\n")}\n`);
});

test("an export that breaks off leaves no file that looks whole", async () => {
  const items = [{ id: "ada", data: {} }];
  answers.set("GET ?pageSize=1", { status: 200, body: { items, nextPageToken: "x" } });
  const out = join(directory, "half.jsonl");
  const { exitCode } = await atoll("export", "--page-size", "1", "--out", out);
  expect(exitCode).toBe(1);
  expect(existsSync(out)).toBe(false);
});
