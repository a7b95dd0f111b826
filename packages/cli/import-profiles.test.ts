import { createServer } from "node:http";
import type { IncomingMessage, Server } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ManualClock, SeededRandom, limits } from "@atoll/core";
import { HttpClient } from "./http-client.ts";
import type { ImportSummary } from "./import-profiles.ts";
import { importProfiles } from "./import-profiles.ts";
import { openJsonLines } from "./json-lines.ts";
import { runCommand } from "./main.ts";
import { MemoryTerminal } from "./terminal.ts";

/** Keeps what it is given, and answers 503 or hangs up as often as it is told to. */
class FakeRegion {
  readonly profiles = new Map<string, string>();
  readonly refuseIds = new Set<string>();
  unavailable = 0;
  hangUps = 0;
  underWay = 0;
  mostUnderWay = 0;
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      this.underWay++;
      this.mostUnderWay = Math.max(this.mostUnderWay, this.underWay);
      void readBody(request).then((body) => {
        this.underWay--;
        if (this.hangUps-- > 0) return request.socket.destroy();
        if (this.unavailable-- > 0) return response.writeHead(503, { "retry-after": "1" }).end();
        const id = decodeURIComponent(request.url?.split("/").at(-1) ?? "");
        if (this.refuseIds.has(id)) {
          const problem = { title: "Validation failed", detail: "too deep" };
          return response.writeHead(422).end(JSON.stringify(problem));
        }
        const created = !this.profiles.has(id);
        this.profiles.set(id, body);
        return response.writeHead(created ? 201 : 204).end();
      });
    });
  }

  async open(): Promise<string> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, "127.0.0.1", resolve);
    });
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): Promise<unknown> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(resolve));
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

let region: FakeRegion;
let endpoint = "";
let directory = "";
let client: HttpClient;
const waitsMs: number[] = [];

beforeEach(async () => {
  region = new FakeRegion();
  endpoint = await region.open();
  directory = mkdtempSync(join(tmpdir(), "atoll-import-"));
  client = new HttpClient({ connections: 4 });
  waitsMs.length = 0;
});
afterEach(async () => {
  client.close();
  await region.close();
  rmSync(directory, { recursive: true, force: true });
});

function fileOf(lines: readonly string[], name = "profiles.jsonl"): string {
  const file = join(directory, name);
  const text = `${lines.join("\n")}\n`;
  writeFileSync(file, name.endsWith(".gz") ? gzipSync(text) : text);
  return file;
}

function importLines(lines: readonly string[], concurrency = 4): Promise<ImportSummary> {
  return importProfiles(
    { lines: openJsonLines(fileOf(lines)).lines, endpoint, concurrency },
    {
      client,
      clock: new ManualClock(),
      random: new SeededRandom("import"),
      wait: (delayMs) => {
        waitsMs.push(delayMs);
        return Promise.resolve();
      },
      onProgress: () => undefined,
    },
  );
}

const line = (id: string, profile: object = { displayName: id }) => JSON.stringify({ id, profile });

test("every profile is put once, and told as created or updated", async () => {
  region.profiles.set("b", "{}");
  const summary = await importLines([line("a"), "", line("b"), line("c")]);
  expect(summary).toMatchObject({ created: 2, updated: 1, failed: 0 });
  expect(region.profiles.get("a")).toBe('{"displayName":"a"}');
});

test("bad lines are told by their numbers and do not stop the others", async () => {
  const summary = await importLines([
    line("a"),
    "{not json",
    "",
    '["a"]',
    '{"id":7,"profile":{}}',
    '{"id":"no spaces","profile":{}}',
    '{"id":"b","profile":[]}',
    line("c"),
  ]);
  expect(summary).toMatchObject({ created: 2, failed: 5 });
  expect(summary.faults.map((fault) => fault.split(":")[0]).sort()).toEqual([
    "line 2",
    "line 4",
    "line 5",
    "line 6",
    "line 7",
  ]);
});

test("a region that is not available for a moment is asked again, with growing bounded pauses", async () => {
  region.unavailable = 3;
  region.hangUps = 2;
  const summary = await importLines([line("a")], 1);
  expect(summary).toMatchObject({ created: 1, failed: 0, retries: 5 });
  expect(waitsMs).toHaveLength(5);
  for (const waitMs of waitsMs) expect(waitMs).toBeLessThanOrEqual(limits.COMMAND_RETRY_MS_MAX);
  expect(waitsMs[3]).toBeGreaterThanOrEqual(1_000); // what Retry-After asked for
});

test("a region that stays away is given up on", async () => {
  region.unavailable = Infinity;
  const summary = await importLines([line("a")], 1);
  expect(summary).toMatchObject({ created: 0, failed: 1 });
  expect(waitsMs).toHaveLength(limits.COMMAND_ATTEMPTS_MAX - 1);
  expect(summary.faults).toEqual(["line 1: a: status 503"]);
});

test("a refused profile is told with the reason that the region gave, and not sent again", async () => {
  region.refuseIds.add("bad");
  const summary = await importLines([line("bad"), line("good")]);
  expect(summary).toMatchObject({ created: 1, failed: 1, retries: 0 });
  expect(summary.faults).toEqual(["line 1: bad: status 422: Validation failed: too deep"]);
});

test("no more writes are under way than were allowed, and the same id is written in order", async () => {
  const lines = Array.from({ length: 60 }, (_, i) => line(`p${i % 20}`, { n: i }));
  const summary = await importLines(lines, 3);
  expect(summary).toMatchObject({ created: 20, updated: 40 });
  expect(region.mostUnderWay).toBeLessThanOrEqual(3);
  for (let i = 0; i < 20; i++) expect(region.profiles.get(`p${i}`)).toBe(`{"n":${40 + i}}`);
});

test("the command reads a compressed file, prints a summary, and fails when a line failed", async () => {
  const file = fileOf([line("a"), "nonsense"], "profiles.jsonl.gz");
  const terminal = new MemoryTerminal();
  const exitCode = await runCommand(["profile", "import", file, "--endpoint", endpoint], terminal);
  expect(exitCode).toBe(1);
  expect(terminal.printed.join("\n")).toMatch(/^1 created, 0 updated, 1 failed, /);
  expect(terminal.told.join("\n")).toContain("line 2: not JSON");
});

test("a file that is not there, or not what its name says, is one line and exit code 1", async () => {
  const broken = join(directory, "broken.jsonl.gz");
  writeFileSync(broken, "this is not gzip");
  for (const file of [join(directory, "absent"), broken]) {
    const terminal = new MemoryTerminal();
    const argv = ["profile", "import", file, "--endpoint", endpoint];
    expect(await runCommand(argv, terminal)).toBe(1);
    expect(terminal.told).toEqual([expect.stringContaining(`${file} cannot be read`)]);
  }
});
