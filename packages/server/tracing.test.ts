/** One trace shows a write in its region and when it could be read in the other. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "vitest";
import { MemoryLog, delay, systemClock } from "@atoll/core";
import { loadRegionConfig } from "./config.ts";
import type { RunningRegion } from "./region.ts";
import { startRegion } from "./region.ts";

interface SentSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly region: string;
}

const PATIENCE_MS = 30_000;
const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const CLIENT_SPAN = "00f067aa0ba902b7";

let directory: string;
let collector: Server;
let spans: SentSpan[];
let status: number;
const running: RunningRegion[] = [];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "atoll-tracing-"));
  spans = [];
  status = 200;
  collector = createServer((request, response) => void collect(request, response));
  await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve));
});
afterEach(async () => {
  for (const region of running.splice(0)) await region.close();
  collector.close();
  rmSync(directory, { recursive: true, force: true });
});

/** What an OTLP collector is told: spans by resource and scope. */
async function collect(request: IncomingMessage, response: ServerResponse): Promise<void> {
  interface Told {
    readonly resourceSpans: readonly {
      readonly resource: {
        readonly attributes: readonly { key: string; value: { stringValue?: string } }[];
      };
      readonly scopeSpans: readonly { readonly spans: readonly Omit<SentSpan, "region">[] }[];
    }[];
  }
  const told = JSON.parse(await text(request)) as Told;
  for (const { resource, scopeSpans } of told.resourceSpans) {
    const found = resource.attributes.find(({ key }) => key === "atoll.region");
    const region = found?.value.stringValue ?? "";
    for (const scope of scopeSpans) {
      for (const span of scope.spans) spans.push({ ...span, region });
    }
  }
  response.writeHead(status, { "content-type": "application/json" }).end("{}");
}

async function start(
  name: string,
  extra: object,
): Promise<{ readonly region: RunningRegion; readonly log: MemoryLog }> {
  const own = join(directory, name);
  mkdirSync(own, { recursive: true });
  const file = join(own, "region.yaml");
  const config = {
    region: name,
    cluster: {
      id: "test",
      secret: "a secret of more than sixteen characters",
      shards: 4,
      regions: { "us-east-1": 1, "eu-west-1": 2 },
    },
    data: "data",
    listen: { rest: "127.0.0.1:0", admin: "127.0.0.1:0", peer: "127.0.0.1:0" },
    ...extra,
  };
  writeFileSync(file, JSON.stringify(config));
  const log = new MemoryLog();
  const region = await startRegion(loadRegionConfig({ file, environment: {} }), { log });
  running.push(region);
  return { region, log };
}

function traced(): object {
  const { port } = collector.address() as AddressInfo;
  return { tracing: { endpoint: `http://127.0.0.1:${port}` } };
}

async function patch(region: RunningRegion, traceparent?: string): Promise<void> {
  const answer = await fetch(`${region.urls.rest}/v1/profiles/ada?upsert=true`, {
    method: "PATCH",
    headers: {
      "content-type": "application/merge-patch+json",
      ...(traceparent !== undefined && { traceparent }),
    },
    body: JSON.stringify({ displayName: "Ada" }),
  });
  expect(answer.status).toBe(201);
}

async function eventually(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const untilMs = systemClock.monotonicMs() + PATIENCE_MS;
  while (!(await holds())) {
    if (systemClock.monotonicMs() > untilMs) throw new Error(`never: ${what}`);
    await delay(20);
  }
}

test("a client's trace goes on through the write, its commit, and the other region", async () => {
  const { region: eu } = await start("eu-west-1", traced());
  const { region: us } = await start("us-east-1", {
    ...traced(),
    peers: { "eu-west-1": eu.urls.peer },
  });
  await patch(us, `00-${TRACE_ID}-${CLIENT_SPAN}-01`);
  const named = (name: string) => spans.find((span) => span.name === name);
  const request = "PATCH /v1/profiles/:id";
  await eventually("all spans", () => {
    return [request, "write", "commit", "visible"].every((name) => named(name) !== undefined);
  });
  expect(named(request)).toMatchObject({ parentSpanId: CLIENT_SPAN, region: "us-east-1" });
  expect(named("write")?.parentSpanId).toBe(named(request)?.spanId);
  expect(named("commit")?.parentSpanId).toBe(named(request)?.spanId);
  expect(named("visible")).toMatchObject({
    parentSpanId: named("write")?.spanId,
    region: "eu-west-1",
  });
  expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([TRACE_ID]));

  const history = await fetch(`${eu.urls.rest}/v1/profiles/ada/history`);
  expect(await history.json()).toMatchObject({ items: [{ message: null, principal: null }] });
});

test("what its client does not have traced leaves no trace, and none in the change", async () => {
  const { region } = await start("us-east-1", traced());
  await patch(region, `00-${TRACE_ID}-${CLIENT_SPAN}-00`);
  await region.close();
  expect(spans).toEqual([]);
});

test("a collector that fails costs a line in the log, and no request", async () => {
  const { region, log } = await start("us-east-1", traced());
  status = 400; // a collector that will not take it later either
  await patch(region);
  await region.close();
  expect(log.lines).toContainEqual(
    expect.objectContaining({ level: "warn", event: "traces-not-exported" }),
  );
});
