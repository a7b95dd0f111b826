import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, expect, test } from "vitest";
import { MemoryLog, delay, must, parseRegionCode, systemClock } from "@atoll/core";
import type { Message } from "@atoll/sync";
import { PROTOCOL_VERSION_MIN, WebSocketTransport, decodeFrame, encodeMessage } from "@atoll/sync";
import type { TestAuthority } from "@atoll/sync/certificates.fixture.ts";
import { makeAuthority, makeCertificate } from "@atoll/sync/certificates.fixture.ts";
import { loadRegionConfig } from "./config.ts";
import { fetchRegionStatus } from "./region-status.ts";
import type { RunningRegion } from "./region.ts";
import { startRegion } from "./region.ts";

const PATIENCE_MS = 30_000;
const directory = mkdtempSync(join(tmpdir(), "atoll-region-tls-"));
const running: RunningRegion[] = [];
let authority: TestAuthority;

beforeAll(async () => {
  authority = await makeAuthority("test CA");
});
afterEach(async () => {
  for (const region of running.splice(0)) await region.close();
  rmSync(directory, { recursive: true, force: true });
});

test("two regions with certificates link, replicate, and tell when theirs ends", async () => {
  const eu = await start("eu-west-1", {});
  expect(eu.urls.peer).toMatch(/^wss:/);
  const us = await start("us-east-1", { peers: { "eu-west-1": eu.urls.peer } });
  await eventually("live", async () => (await peerOf(us, "eu-west-1"))?.state === "live");

  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ displayName: "Ada" });
  await fetch(`${us.urls.rest}/v1/profiles/ada`, { method: "PUT", headers, body });
  await eventually("replicated", async () => {
    return (await fetch(`${eu.urls.rest}/v1/profiles/ada`)).status === 200;
  });
  const status = await fetchRegionStatus(us.urls.admin, PATIENCE_MS);
  expect(status).toMatchObject({ tls: { daysLeft: 4, notAfter: expect.any(String) as string } });
  expect(us.log.lines).toContainEqual(
    expect.objectContaining({ level: "warn", event: "certificate-expires" }),
  );
  const metrics = await (await fetch(`${us.urls.admin}/metrics`)).text();
  expect(metrics).toMatch(/^atoll_certificate_expiry_timestamp_seconds\{use="link"\} \d{10}$/m);
  expect(metrics).toMatch(/^atoll_peer_connected\{peer="eu-west-1"\} 1$/m);
});

test("a region with a certificate does not link with one that has only the secret", async () => {
  const eu = await start("eu-west-1", {});
  const peers = { "eu-west-1": eu.urls.peer.replace("wss:", "ws:") };
  const us = await start("us-east-1", { peers, withoutTls: true });
  await eventually("refused", async () => {
    return /^not-plain: /.test(String((await peerOf(us, "eu-west-1"))?.["lastFailure"]));
  });
  expect(eu.log.lines).toContainEqual(
    expect.objectContaining({
      event: "peer-refused",
      fields: expect.objectContaining({ code: "not-tls" }) as unknown,
    }),
  );
  expect(await fetchRegionStatus(us.urls.admin, PATIENCE_MS)).toMatchObject({ tls: null });
});

test("a certificate does not make another region of who shows it", async () => {
  const eu = await start("eu-west-1", {});
  const tls = await makeCertificate(authority, { region: "ap-south-1" });
  const log = new MemoryLog();
  const stranger = new WebSocketTransport({ listen: { host: "127.0.0.1", port: 0 }, log, tls });
  const heard: Message[] = [];
  stranger.attach({
    linkUp: () => undefined,
    frame: (link, bytes) => {
      const decoded = decodeFrame(bytes);
      if (decoded.kind !== "message") return;
      const { message } = decoded;
      heard.push(message);
      const asUs = { region: must(parseRegionCode(1), "us-east-1") }; // and not ap-south-1
      if (message.kind === "hello")
        stranger.send(link, encodeMessage({ ...message, ...asUs }, PROTOCOL_VERSION_MIN));
    },
    linkDown: () => undefined,
  });
  stranger.dial(eu.urls.peer);
  await eventually("refused", () => heard.length === 2);
  const detail = "its certificate is of ap-south-1, its HELLO of us-east-1";
  expect(heard[1]).toEqual({ kind: "refusal", code: "identity", detail });
  expect(eu.log.lines).toContainEqual(
    expect.objectContaining({
      event: "link-refused",
      fields: { region: "us-east-1", code: "identity", detail },
    }),
  );
  await stranger.stop();
});

interface Options {
  readonly peers?: Readonly<Record<string, string>>;
  readonly withoutTls?: boolean;
}

async function start(name: string, options: Options) {
  const own = join(directory, name);
  mkdirSync(own, { recursive: true });
  const { ca, cert, key } = await makeCertificate(authority, { region: name });
  writeFileSync(join(own, "ca.crt"), ca);
  writeFileSync(join(own, "region.crt"), cert);
  writeFileSync(join(own, "region.key"), key, { mode: 0o600 });
  const config = {
    region: name,
    cluster: {
      id: "test",
      secret: "a secret of more than sixteen characters",
      shards: 4,
      regions: { "us-east-1": 1, "eu-west-1": 2, "ap-south-1": 3 },
    },
    data: "data",
    listen: { rest: "127.0.0.1:0", admin: "127.0.0.1:0", peer: "127.0.0.1:0" },
    peers: options.peers ?? {},
    ...(options.withoutTls !== true && {
      tls: { ca: "ca.crt", cert: "region.crt", key: "region.key" },
    }),
  };
  writeFileSync(join(own, "atoll.yaml"), JSON.stringify(config));
  const log = new MemoryLog();
  const loaded = loadRegionConfig({ file: join(own, "atoll.yaml"), environment: {} });
  const region = await startRegion(loaded, { log });
  running.push(region);
  return { ...region, log };
}

async function peerOf(region: RunningRegion, name: string) {
  const status = await fetchRegionStatus(region.urls.admin, PATIENCE_MS);
  return status?.peers.find((peer) => peer.region === name);
}

async function eventually(what: string, isSo: () => Promise<boolean> | boolean): Promise<void> {
  const untilMs = systemClock.monotonicMs() + PATIENCE_MS;
  while (!(await isSo())) {
    if (systemClock.monotonicMs() > untilMs) throw new Error(`never: ${what}`);
    await delay(20);
  }
}
