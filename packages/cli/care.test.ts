// `atoll quarantine` and `atoll verify` against an admin listener that answers what the test says.
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runCommand } from "./main.ts";
import { MemoryTerminal } from "./terminal.ts";

let server: Server;
let asked: string[];
let answers: Map<string, { status: number; body: unknown }>;

beforeEach(async () => {
  asked = [];
  answers = new Map();
  server = createServer((request, response) => {
    const name = `${request.method ?? ""} ${(request.url ?? "").replace("/admin/v1", "")}`;
    asked.push(name);
    const { status, body } = answers.get(name) ?? { status: 404, body: { title: "Not found" } };
    response.writeHead(status, { "content-type": "application/json" });
    response.end(status === 204 ? undefined : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => {
    server.close(resolve);
  });
});

async function atoll(...argv: string[]) {
  const terminal = new MemoryTerminal();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const exitCode = await runCommand([...argv, "--endpoint", url], terminal);
  return { exitCode, out: terminal.printed.join("\n"), err: terminal.told.join("\n") };
}

const record = {
  id: 7,
  at: "2026-01-01T00:00:00.000Z",
  reason: "checksum mismatch",
  fromRegion: "us",
  region: "us",
  shard: 3,
  origin: "1.0.abcdef01",
  seq: 9,
  docId: "00ff",
  profileId: null,
  hash: null,
  size: 12,
};

function report(state: string, found: number, repaired = found) {
  return {
    state,
    startedAt: "2026-01-01T00:00:00.000Z",
    finishedAt: null,
    progress: { entriesDone: 3, entriesTotal: 3, documentsDone: 2, documentsTotal: 2 },
    faults: {
      found,
      repaired,
      listed: [{ table: "log", where: "seq 9", what: "broken", repair: "peers" }].slice(0, found),
    },
  };
}

test("what was set aside is listed, as a table and as JSON", async () => {
  answers.set("GET /quarantine?limit=100", { status: 200, body: { total: 1, entries: [record] } });
  const table = await atoll("quarantine", "ls");
  expect(table).toMatchObject({ exitCode: 0, err: "" });
  expect(table.out).toContain("checksum mismatch");
  const json = await atoll("quarantine", "ls", "-o", "json");
  expect(JSON.parse(json.out)).toEqual({ total: 1, entries: [record] });
});

test("nothing set aside is said so", async () => {
  answers.set("GET /quarantine?limit=5", { status: 200, body: { total: 0, entries: [] } });
  const { exitCode, err } = await atoll("quarantine", "ls", "--limit", "5");
  expect([exitCode, err]).toEqual([0, "Nothing is quarantined."]);
});

test("a record is shown, and one that is not there is one line", async () => {
  answers.set("GET /quarantine/7", { status: 200, body: { ...record, bytes: "AQ==" } });
  expect(JSON.parse((await atoll("quarantine", "show", "7")).out)).toMatchObject({ id: 7 });
  const { exitCode, err } = await atoll("quarantine", "show", "8");
  expect(exitCode).toBe(1);
  expect(err).toContain("status 404");
});

test("a retry that changes nothing ends with 3", async () => {
  const outcome = (kind: string, reason: string | null) => ({
    status: 200,
    body: { id: 7, outcome: kind, reason },
  });
  answers.set("POST /quarantine/7/retry", outcome("released", null));
  answers.set("POST /quarantine/8/retry", outcome("quarantined", "still bad"));
  expect(await atoll("quarantine", "retry", "7")).toMatchObject({ exitCode: 0 });
  const both = await atoll("quarantine", "retry", "7", "8");
  expect(both).toMatchObject({ exitCode: 3 });
  expect(both.err).toContain("Record 8: quarantined, still bad.");
});

test("a record is dropped", async () => {
  answers.set("DELETE /quarantine/7", { status: 204, body: undefined });
  expect(await atoll("quarantine", "drop", "7", "--yes")).toMatchObject({ exitCode: 0 });
  expect(asked).toEqual(["DELETE /quarantine/7"]);
});

test("nothing is given up without a word: a script says --yes, a dry run says what would be done", async () => {
  const silent = await atoll("quarantine", "drop", "7");
  expect(silent).toMatchObject({ exitCode: 2, out: "" });
  expect(silent.err).toContain("--yes");
  const dry = await atoll("quarantine", "drop", "7", "8", "--dry-run");
  expect(dry).toMatchObject({ exitCode: 0, err: "" });
  expect(dry.out).toMatch(/^Would give up records 7, 8 at /);
  expect((await atoll("quarantine", "retry", "7", "--dry-run")).out).toContain("Would judge");
  expect((await atoll("verify", "--dry-run")).out).toContain("Would look through");
  expect(asked).toEqual([]);
});

test.each(["0", "x", "-1", "1.5"])("record %s is a usage error", async (id) => {
  expect((await atoll("quarantine", "show", id)).exitCode).not.toBe(0);
  expect(asked).toEqual([]);
});

test.each([
  ["clean", report("done", 0), 0, "Clean: 3 entries and 2 documents."],
  ["repaired", report("done", 1), 3, "all repaired"],
  ["not repaired", report("done", 2, 1), 3, "1 NOT repaired"],
  ["ended by the store", report("failed", 0), 1, "failing store"],
])("a verification that is %s says so", async (_what, body, exitCode, words) => {
  answers.set("POST /verify", { status: 202, body });
  answers.set("GET /verify", { status: 200, body });
  const result = await atoll("verify");
  expect(result.exitCode).toBe(exitCode);
  expect(result.err).toContain(words);
});

test("a verification that is running already is followed, and not for ever", async () => {
  answers.set("POST /verify", { status: 409, body: {} });
  answers.set("GET /verify", { status: 200, body: report("running", 0) });
  const { exitCode, err } = await atoll("verify", "--timeout", "1");
  expect(exitCode).toBe(4);
  expect(err).toContain("running already");
  expect(err).toContain("Not finished in time");
});

test("a region that does not answer is one line with the mend", async () => {
  const terminal = new MemoryTerminal();
  const exitCode = await runCommand(["verify", "--endpoint", "http://127.0.0.1:1"], terminal);
  expect(exitCode).toBe(1);
  expect(terminal.told.join("\n")).toContain("--endpoint");
});
