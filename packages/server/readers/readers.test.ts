/** Real processes: a region with two readers on its port, and everything that may befall one of them. */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Hlc, RegionCode, RegionName } from "@atoll/core";
import { delay, deriveClusterKeys, must, systemClock } from "@atoll/core";
import { SessionTokens } from "@atoll/sync";

const COMMAND = join(import.meta.dirname, "..", "..", "cli", "bin", "atoll.mjs");
const SECRET = "a secret of this test";
const PATIENCE_MS = 60_000;
const ADA = "/v1/profiles/ada";

interface Line {
  readonly self: string;
  readonly event: string;
  readonly [field: string]: unknown;
}

class Served {
  readonly lines: Line[] = [];
  readonly process: ChildProcess;

  constructor(configFile: string) {
    this.process = spawn(process.execPath, [COMMAND, "serve", "--config", configFile], {
      stdio: ["ignore", "pipe", "inherit", "ipc"],
    });
    let rest = "";
    this.process.stdout?.on("data", (chunk: Buffer) => {
      const parts = (rest + chunk.toString()).split("\n");
      rest = parts.pop() ?? "";
      this.lines.push(...parts.map((line) => JSON.parse(line) as Line));
    });
  }

  of(event: string): Line[] {
    return this.lines.filter((line) => line.event === event);
  }

  get readerPids(): number[] {
    return this.of("reader-started").map(({ pid }) => pid as number);
  }

  url(listener: "rest" | "admin"): string {
    return must(this.of("region-started")[0]?.[listener], "the start") as string;
  }
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
}

/** Each on a connection of its own, so that readers take turns. */
function call(method: string, path: string, asked: { headers?: object; body?: unknown } = {}) {
  const { body, headers } = asked;
  return new Promise<Answer>((resolve, reject) => {
    const request = httpRequest(served.url("rest") + path, {
      method,
      agent: new Agent(),
      headers: { ...(body !== undefined && { "content-type": "application/json" }), ...headers },
    });
    request.on("error", reject);
    request.on("response", (response) => {
      response.setEncoding("utf8");
      let text = "";
      response.on("data", (chunk: string) => (text += chunk));
      response.on("error", reject);
      response.on("end", () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
      });
    });
    request.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

async function until<T>(what: string, look: () => T | Promise<T>): Promise<NonNullable<T>> {
  const untilMs = systemClock.monotonicMs() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== null && found !== false) return found;
    if (systemClock.monotonicMs() > untilMs) throw new Error(`never: ${what}`);
    await delay(20);
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

let directory: string;
let configFile: string;
let served: Served;

async function start(): Promise<void> {
  served = new Served(configFile);
  await until("a region with its readers", () => served.of("region-started").length > 0);
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "atoll-readers-"));
  configFile = join(directory, "region.yaml");
  writeFileSync(
    configFile,
    JSON.stringify({
      region: "us-east-1",
      cluster: { id: "test", secret: SECRET, regions: { "us-east-1": 1, "eu-west-1": 2 } },
      data: join(directory, "data"),
      listen: { rest: "127.0.0.1:0", admin: "127.0.0.1:0", peer: "127.0.0.1:0" },
      gateway: { workers: 2 },
      canary: { enabled: false },
      log: { requests: true },
    }),
  );
  await start();
}, PATIENCE_MS);
afterAll(() => {
  served.process.kill("SIGKILL");
  rmSync(directory, { recursive: true, force: true });
});

test("what one process writes is read in the others at once, with the same tag and token", async () => {
  const written = await call("PUT", ADA, { body: { name: "Ada" } });
  expect(written).toMatchObject({ status: 201, headers: { "served-by-region": "us-east-1" } });
  const token = must(written.headers["session-token"], "a session");
  for (let i = 0; i < 6; i++) {
    const read = await call("GET", ADA, { headers: { "session-token": token } });
    const { etag } = written.headers;
    expect(read).toMatchObject({ status: 200, text: '{"name":"Ada"}', headers: { etag } });
    expect(read.headers["session-token"]).toBe(token);
  }
  const tag = must(written.headers.etag, "a tag");
  const unchanged = await call("GET", ADA, { headers: { "if-none-match": tag } });
  expect(unchanged).toMatchObject({ status: 304, text: "" });
  const readers = served.of("request").map(({ self }) => self);
  expect(new Set(readers)).toEqual(
    new Set(["us-east-1", "us-east-1/reader-1", "us-east-1/reader-2"]),
  );
});

test("whatever is no plain read means what it means without readers", async () => {
  const envelope = await call("GET", ADA, {
    headers: { accept: "application/vnd.atoll.profile+json" },
  });
  expect(envelope.status).toBe(200);
  expect(JSON.parse(envelope.text)).toMatchObject({ id: "ada", data: { name: "Ada" } });
  const head = await call("HEAD", ADA);
  expect(head).toMatchObject({ status: 200, text: "", headers: { "content-length": "14" } });
  expect(await call("OPTIONS", ADA)).toMatchObject({ status: 204 });
  expect(await call("GET", "/v1/profiles?pageSize=0")).toMatchObject({ status: 400 });
  expect(await call("GET", "/nowhere")).toMatchObject({ status: 404 });
  const missing = await call("GET", "/v1/profiles/nobody");
  expect(missing).toMatchObject({
    status: 404,
    headers: { "content-type": "application/problem+json" },
  });
  const large = { name: "x".repeat(100_000) };
  expect(await call("PUT", "/v1/profiles/large", { body: large })).toMatchObject({ status: 413 });
  const chunked = await call("PATCH", `${ADA}?upsert=true`, {
    headers: { "content-type": "application/merge-patch+json", "transfer-encoding": "chunked" },
    body: { bio: "counts" },
  });
  expect(chunked).toMatchObject({ status: 200, text: '{"bio":"counts","name":"Ada"}' });
});

test("a session that has seen more waits where it can be covered, and is refused there", async () => {
  const cluster = {
    id: "test",
    shardCount: 256,
    regions: [{ name: "us-east-1" as string as RegionName, code: 1 as RegionCode }],
    keys: deriveClusterKeys(SECRET, "test"),
  };
  const ahead = new SessionTokens(cluster).encode(new Map([[2 as RegionCode, (2 ** 51) as Hlc]]));
  const headers = { "session-token": ahead, prefer: "handling=strict, wait=0" };
  const refused = await call("GET", ADA, { headers });
  expect(refused.status).toBe(503);
  expect(JSON.parse(refused.text)).toMatchObject({ missingRegions: ["eu-west-1"] });
});

test("a feed streams through a reader, and ends when its client leaves", async () => {
  const feed = httpRequest(`${served.url("rest")}/v1/changes?since=now`, {
    agent: new Agent(),
    headers: { accept: "text/event-stream" },
  });
  feed.end();
  const [stream] = (await once(feed, "response")) as [IncomingMessage];
  stream.setEncoding("utf8");
  let told = "";
  stream.on("data", (chunk: string) => (told += chunk));
  await call("PUT", "/v1/profiles/grace", { body: { name: "Grace" } });
  await until("the event", () => told.includes("grace"));
  stream.destroy();
  await until("an ended feed", async () => {
    const metrics = await (await fetch(`${served.url("admin")}/metrics`)).text();
    return metrics.includes('atoll_http_requests_under_way{load="feed"} 0');
  });
});

test("what readers answer is counted where it is scraped", async () => {
  await until("the count of a reader", async () => {
    const metrics = await (await fetch(`${served.url("admin")}/metrics`)).text();
    const found =
      /atoll_http_requests_total\{method="GET",route="\/v1\/profiles\/:id",code="304"\} (\d+)/.exec(
        metrics,
      );
    return found?.[1] === "1";
  });
});

test("a reader that is killed is missed by nobody for long, and another takes its place", async () => {
  const [victim = 0] = served.readerPids;
  process.kill(victim, "SIGKILL");
  await until("an answer", async () => {
    const answer = await call("GET", ADA).catch(() => undefined);
    return answer?.status === 200;
  });
  await until("another reader", () => served.of("reader-started").length === 3);
  expect(served.of("reader-ended")).toMatchObject([{ pid: victim, signal: "SIGKILL" }]);
});

test("told to stop, the region stops with its readers; killed, it leaves none behind", async () => {
  const before = served;
  before.process.kill("SIGTERM");
  expect(await once(before.process, "exit")).toEqual([0, null]);
  expect(before.readerPids.filter(isAlive)).toEqual([]);
  expect(before.of("close-failed")).toEqual([]);

  await start();
  expect(await call("GET", ADA)).toMatchObject({ status: 200 });
  const pids = served.readerPids;
  expect(pids.filter(isAlive)).toHaveLength(2);
  served.process.kill("SIGKILL");
  await until("orphans that end", () => !pids.some(isAlive));
});
