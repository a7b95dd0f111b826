/**
 * One real region without peers, served over HTTP on a free port of this machine: for tests of what a
 * client sees, from the parser to the store and back. Its data lies in memory.
 */
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Cluster, Clock, RegionCode, RegionName } from "@atoll/core";
import { MemoryLog, SeededRandom, deriveClusterKeys, must, systemClock } from "@atoll/core";
import { createPublicApp } from "@atoll/gateway";
import type { ProfileSchema } from "@atoll/profile";
import { ProfileCodec, socialProfileSchema } from "@atoll/profile";
import { RegionDriver } from "@atoll/replica";
import type { Store } from "@atoll/store";
import { MemoryStore } from "@atoll/store";
import { MemoryNetwork } from "@atoll/sync";

const NAMES = ["us-east-1", "eu-west-1", "ap-northeast-1"] as const;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly bytes: Uint8Array;
  /** The body as JSON. */
  readonly json: unknown;
}

export interface Asked {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Of the body; `application/json` unless told. */
  readonly type?: string;
}

export class RestRegion {
  readonly store: Store;
  readonly log = new MemoryLog();
  readonly #name: string;
  readonly #cluster: Cluster;
  readonly #clock: Clock;
  readonly #network: MemoryNetwork;
  readonly #codec: ProfileCodec;
  readonly #seed: string;
  #server: Server | undefined;
  #driver: RegionDriver | undefined;

  constructor(
    options: {
      readonly name?: (typeof NAMES)[number];
      readonly schema?: ProfileSchema;
      readonly store?: Store;
      readonly clock?: Clock;
      readonly seed?: string;
    } = {},
  ) {
    this.#name = options.name ?? NAMES[0];
    this.#seed = options.seed ?? "rest";
    this.store = options.store ?? new MemoryStore();
    this.#clock = options.clock ?? systemClock;
    this.#codec = new ProfileCodec(options.schema ?? socialProfileSchema);
    const random = new SeededRandom(this.#seed);
    this.#network = new MemoryNetwork({ clock: this.#clock, random, delayMs: { min: 0, max: 0 } });
    this.#cluster = {
      id: "test",
      shardCount: 16,
      regions: NAMES.map((name, i) => ({
        name: name as string as RegionName,
        code: (i + 1) as RegionCode,
      })),
      keys: deriveClusterKeys("the secret of this test", "test"),
    };
  }

  get driver(): RegionDriver {
    return must(this.#driver, "a region that is open");
  }

  get cluster(): Cluster {
    return this.#cluster;
  }

  get url(): string {
    const { port } = must(this.#server, "a region that is open").address() as AddressInfo;
    return `http://127.0.0.1:${port}`;
  }

  async open(): Promise<this> {
    const region = must(
      this.#cluster.regions.find(({ name }) => name === this.#name),
      this.#name,
    );
    const random = new SeededRandom(`${this.#seed} ${this.#name}`);
    const { log } = this;
    const clock = this.#clock;
    const driver = new RegionDriver({
      cluster: this.#cluster,
      region,
      store: this.store,
      transport: this.#network.transport(this.#name),
      clock,
      random,
      log,
      codec: this.#codec,
      peers: new Map(),
      version: "test",
    });
    this.#driver = driver;
    driver.start();
    const admin = { readiness: () => driver.readiness() };
    const links = () => driver.peers();
    const deps = { service: driver.service, admin, links, log, clock, random, region: region.name };
    const server = createServer(createPublicApp({ ...deps, version: "test" }));
    this.#server = server;
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    return this;
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    server?.closeAllConnections();
    await new Promise<void>((resolve) => {
      if (server === undefined) resolve();
      else server.close(() => resolve());
    });
    await this.#driver?.close();
    this.#driver = undefined;
  }

  async call(method: string, path: string, asked: Asked = {}): Promise<Answer> {
    const { body, type = "application/json" } = asked;
    const response = await fetch(this.url + path, {
      method,
      headers: { ...(body !== undefined && { "content-type": type }), ...asked.headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const bytes = new Uint8Array(await response.arrayBuffer());
    const text = new TextDecoder().decode(bytes);
    const { status, headers } = response;
    const isJson = (headers.get("content-type") ?? "").includes("json") && text !== "";
    return {
      status,
      headers,
      text,
      bytes,
      json: isJson ? (JSON.parse(text) as unknown) : undefined,
    };
  }

  put(id: string, body: unknown, headers: Asked["headers"] = {}): Promise<Answer> {
    return this.call("PUT", `/v1/profiles/${id}`, { body, headers });
  }

  get(id: string, headers: Asked["headers"] = {}): Promise<Answer> {
    return this.call("GET", `/v1/profiles/${id}`, { headers });
  }

  mergePatch(id: string, body: unknown, headers: Asked["headers"] = {}): Promise<Answer> {
    const type = "application/merge-patch+json";
    return this.call("PATCH", `/v1/profiles/${id}`, { body, type, headers });
  }

  jsonPatch(id: string, body: unknown, headers: Asked["headers"] = {}): Promise<Answer> {
    const type = "application/json-patch+json";
    return this.call("PATCH", `/v1/profiles/${id}`, { body, type, headers });
  }

  operations(id: string, body: unknown, headers: Asked["headers"] = {}): Promise<Answer> {
    const type = "application/vnd.atoll.ops+json";
    return this.call("PATCH", `/v1/profiles/${id}`, { body, type, headers });
  }
}
