// Three registries, one behaviour: the whole set at first and after each change, and nothing when they fail. etcd
// is a real one where it is installed (Debian package etcd-server); Consul is a stub of its HTTP API.
import type { ChildProcess } from "node:child_process";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { RegionName } from "@atoll/core";
import { ManualClock, MemoryLog, delay, limits, systemClock } from "@atoll/core";
import { discoverByConsul } from "./consul.ts";
import type { Discovery, DiscoveryHost } from "./discovery.ts";
import { peerUrl, peerUrlOf } from "./discovery.ts";
import type { NameResolver } from "./dns.ts";
import { discoverByDns } from "./dns.ts";
import { discoverByEtcd } from "./etcd.ts";

const [EU, AP] = ["eu-west-1", "ap-northeast-1"] as RegionName[] as [RegionName, RegionName];
const PATIENCE_MS = 30_000;

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

class Told {
  readonly log = new MemoryLog();
  readonly sets: Record<string, string>[] = [];

  host(clock: DiscoveryHost["clock"] = systemClock): DiscoveryHost {
    return {
      regions: [EU, AP],
      scheme: "ws",
      clock,
      log: this.log,
      found: (peers) => this.sets.push(Object.fromEntries(peers)),
    };
  }

  async until(what: string, isSo: () => boolean): Promise<void> {
    const untilMs = systemClock.monotonicMs() + PATIENCE_MS;
    while (!isSo()) {
      if (systemClock.monotonicMs() > untilMs) {
        throw new Error(`never: ${what}; ${JSON.stringify([this.sets, this.log.lines])}`);
      }
      await delay(10);
    }
  }

  untilSet(expected: Record<string, string>): Promise<void> {
    const text = JSON.stringify(expected);
    return this.until(text, () => JSON.stringify(this.sets.at(-1)) === text);
  }

  count(event: string): number {
    return this.log.lines.filter((entry) => entry.event === event).length;
  }
}

function closed(discovery: Discovery): void {
  closing.push(() => discovery.close());
}

describe("DNS", () => {
  function resolver(
    records: Record<string, unknown[] | string>,
    asked: string[] = [],
  ): NameResolver {
    const answer = <T>(name: string): Promise<T[]> => {
      const found = records[name] ?? "ENOTFOUND";
      if (typeof found !== "string") return Promise.resolve(found as T[]);
      return Promise.reject(Object.assign(new Error(found), { code: found }));
    };
    return {
      resolveSrv: (name) => answer(name),
      resolve4: (name) => {
        asked.push(name);
        return answer(`${name} A`);
      },
      resolve6: (name) => answer(`${name} AAAA`),
    };
  }

  test("gives host and port of the best SRV record of each region", async () => {
    const told = new Told();
    const records = {
      "_peer._tcp.eu-west-1.atoll": [
        { name: "second", port: 2, priority: 20 },
        { name: "first", port: 1, priority: 10 },
      ],
    };
    const srv = "_peer._tcp.{region}.atoll";
    closed(discoverByDns({ srv }, told.host(), resolver(records)));
    await told.untilSet({ [EU]: "ws://first:1" });
  });

  test("gives the address of each region's name, of either family", async () => {
    const told = new Told();
    const records = { "eu-west-1.atoll A": ["10.0.0.2"], "ap-northeast-1.atoll AAAA": ["fd00::3"] };
    const place = { name: "{region}.atoll", port: 7103 };
    closed(discoverByDns(place, told.host(), resolver(records)));
    await told.untilSet({ [EU]: "ws://10.0.0.2:7103", [AP]: "ws://[fd00::3]:7103" });
  });

  test("that has failed changes nothing, is told once, and is asked again", async () => {
    const told = new Told();
    const clock = new ManualClock();
    const records: Record<string, unknown[] | string> = { "eu-west-1.atoll A": ["10.0.0.2"] };
    const place = { name: "{region}.atoll", port: 7103 };
    const asked: string[] = [];
    closed(discoverByDns(place, told.host(clock), resolver(records, asked)));
    await told.untilSet({ [EU]: "ws://10.0.0.2:7103" });
    records["eu-west-1.atoll A"] = "ESERVFAIL";
    clock.advance(limits.DISCOVERY_DNS_MS);
    await told.until("the failure is told", () => told.count("discovery-failed") === 1);
    clock.advance(limits.DISCOVERY_RETRY_MS);
    await told.until("it is asked again", () => asked.length === 2 * 3);
    expect(told.count("discovery-failed")).toBe(1);
    expect(told.sets).toHaveLength(1);
    records["eu-west-1.atoll A"] = "ENODATA";
    await told.until("it answers again", () => {
      clock.advance(limits.DISCOVERY_RETRY_MS);
      return told.sets.length > 1;
    });
    expect(told.sets.at(-1)).toEqual({});
    expect(told.count("discovery-resumed")).toBe(1);
  });
});

describe("Consul (a stub of its HTTP API)", () => {
  test("gives the instances by their region, and the next set when it answers again", async () => {
    const told = new Told();
    const asked: string[] = [];
    const waiting: (() => void)[] = [];
    let index = 7;
    let instances: object[] = [instance(EU, "10.1.0.7", "")];
    const url = await listen((request, answer) => {
      asked.push(request.url ?? "");
      const reply = (): void => {
        answer.setHeader("x-consul-index", String(index));
        answer.end(JSON.stringify(instances));
      };
      if (asked.length === 1) reply();
      else waiting.push(reply);
    });
    closed(discoverByConsul({ url, service: "atoll-peer" }, told.host()));
    await told.untilSet({ [EU]: "ws://10.1.0.7:7103" });
    await told.until("it is asked to wait", () => waiting.length === 1);
    expect(asked[1]).toBe("/v1/catalog/service/atoll-peer?index=7&wait=60s");
    index = 8;
    instances = [
      instance(AP, "node", "10.2.0.7"),
      instance("elsewhere", "x", ""),
      { ...instance("", "y", ""), ServiceMeta: null },
    ];
    waiting.shift()?.();
    await told.untilSet({ [AP]: "ws://10.2.0.7:7103" });
  });

  function instance(region: string, node: string, address: string): object {
    return { Address: node, ServiceAddress: address, ServicePort: 7103, ServiceMeta: { region } };
  }
});

const hasEtcd = spawnSync("etcd", ["--version"]).error === undefined;

// Debian: apt-get install etcd-server.
describe.skipIf(!hasEtcd)("etcd (a real one; skipped where it is not installed)", () => {
  test("gives the keys of the other regions, and the whole set after each change", async () => {
    const told = new Told();
    const etcd = await startEtcd();
    await etcd.put("/atoll/peers/eu-west-1", "ws://10.0.0.2:7103");
    await etcd.put("/atoll/peers/us-east-1", "ws://10.0.0.1:7103"); // ourselves
    await etcd.put("/atoll/peerst/ap-northeast-1", "ws://10.0.0.9:7103"); // of another prefix
    // The first endpoint is nobody's: the next is asked.
    const endpoints = ["http://127.0.0.1:1", etcd.url];
    closed(discoverByEtcd({ endpoints, prefix: "/atoll/peers" }, told.host()));
    await told.untilSet({ [EU]: "ws://10.0.0.2:7103" });
    await etcd.put("/atoll/peers/ap-northeast-1", "ws://10.0.0.3:7103");
    await told.untilSet({ [EU]: "ws://10.0.0.2:7103", [AP]: "ws://10.0.0.3:7103" });
    await etcd.remove("/atoll/peers/eu-west-1");
    await told.untilSet({ [AP]: "ws://10.0.0.3:7103" });
    await etcd.put("/atoll/peers/ap-northeast-1", "not a URL");
    await told.untilSet({});
  });

  test("that is gone changes nothing", async () => {
    const told = new Told();
    const etcd = await startEtcd();
    await etcd.put("/atoll/peers/eu-west-1", "ws://10.0.0.2:7103");
    closed(discoverByEtcd({ endpoints: [etcd.url], prefix: "/atoll/peers/" }, told.host()));
    await told.untilSet({ [EU]: "ws://10.0.0.2:7103" });
    await etcd.stop();
    await told.until("the failure is told", () => told.count("discovery-failed") === 1);
    expect(told.sets.at(-1)).toEqual({ [EU]: "ws://10.0.0.2:7103" });
  });
});

test("an address is dialled with TLS or not at all when links have TLS", () => {
  expect(peerUrlOf(" wss://a:1 ", "wss")).toBe("wss://a:1");
  expect(peerUrlOf("ws://a:1", "wss")).toBeUndefined();
  expect(peerUrlOf("http://a:1", "ws")).toBeUndefined();
  expect(peerUrl("wss", "fd00::1", 2)).toBe("wss://[fd00::1]:2");
});

async function listen(
  handle: (request: IncomingMessage, answer: ServerResponse) => void,
): Promise<string> {
  const server = createServer(handle);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function startEtcd() {
  const directory = mkdtempSync(join(tmpdir(), "atoll-etcd-"));
  const [url, peerUrl] = [
    `http://127.0.0.1:${await freePort()}`,
    `http://127.0.0.1:${await freePort()}`,
  ];
  const flags = {
    "data-dir": directory,
    "listen-client-urls": url,
    "advertise-client-urls": url,
    "listen-peer-urls": peerUrl,
    "initial-advertise-peer-urls": peerUrl,
    "initial-cluster": `default=${peerUrl}`,
  };
  const argv = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
  const etcd: ChildProcess = spawn("etcd", argv, { stdio: "ignore" });
  const ended = once(etcd, "exit");
  const stop = async (): Promise<void> => {
    etcd.kill("SIGKILL");
    await ended;
    rmSync(directory, { recursive: true, force: true });
  };
  closing.push(stop);
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  const post = (path: string, body: object): Promise<Response> =>
    fetch(`${url}${path}`, { method: "POST", body: JSON.stringify(body) });
  const untilMs = systemClock.monotonicMs() + PATIENCE_MS;
  for (;;) {
    const health = await fetch(`${url}/health`).catch(() => undefined);
    if ((await health?.text())?.includes("true") === true) break;
    if (systemClock.monotonicMs() > untilMs) throw new Error("etcd is not ready");
    await delay(50);
  }
  return {
    url,
    stop,
    put: (key: string, value: string) =>
      post("/v3/kv/put", { key: base64(key), value: base64(value) }),
    remove: (key: string) => post("/v3/kv/deleterange", { key: base64(key) }),
  };
}
