/**
 * One server of the HTTP benches, as a process of its own: a region as it is in production, or the bare
 * `node:http` server that it is measured against.
 *
 * The region is put together here and not from a configuration, because its database is filled before it
 * serves: with rows, where only reads are measured, or by writing documents as clients do.
 */
import { createServer } from "node:http";
import type { RequestListener, Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Cluster, Region, RegionCode, RegionName } from "@atoll/core";
import {
  assert,
  docIdOf,
  elementOf,
  errorText,
  hlcFromMs,
  must,
  mustChangeHash,
  originRegion,
  regionByName,
  silentLog,
  systemClock,
  systemRandom,
} from "@atoll/core";
import { createHttpServer, createPublicApp } from "@atoll/gateway";
import type { AdminService } from "@atoll/gateway";
import { canonicalJson } from "@atoll/profile";
import { RegionDriver } from "@atoll/replica";
import { openSqliteStore } from "@atoll/store";
import { WebSocketTransport } from "@atoll/sync";
import { CpuSampler } from "./cpu-profile.ts";
import type {
  BarePlan,
  FromServer,
  PouchPlan,
  RegionPlan,
  ServerPlan,
  ToServer,
} from "./http-messages.ts";
import { httpProfile, httpProfileId } from "./http-profiles.ts";
import { benchCluster, benchCodec } from "./region-pair.ts";
import { rowOf } from "./synthetic-rows.ts";
import { NO_SESSION } from "./visibility-reader.ts";

const WRITES_AT_ONCE = 64;
const ROWS_AT_ONCE = 1_000;

interface Served {
  readonly server: Server;
  stop(): Promise<void>;
}

const plan = JSON.parse(must(process.argv[2], "a plan")) as Exclude<ServerPlan, PouchPlan>;

process.on("disconnect", () => process.exit(1)); // whoever asked is gone

if (plan.kind === "bare") {
  send({ kind: "listening", peerPort: 0 });
  hear(() => Promise.resolve({ server: createServer(bare(plan)), stop: () => Promise.resolve() }));
} else {
  const listen = { host: "127.0.0.1", port: 0 };
  const transport = new WebSocketTransport({ listen, log: silentLog });
  send({ kind: "listening", peerPort: await transport.listen() });
  hear((portByRegion) => serveRegion(plan, transport, portByRegion));
}

function hear(start: (portByRegion: Readonly<Record<string, number>>) => Promise<Served>): void {
  let served: Served | undefined;
  let sampler: CpuSampler | undefined;
  const answer = async (asked: ToServer): Promise<void> => {
    switch (asked.kind) {
      case "peers":
        served = await start(asked.portByRegion);
        return send({ kind: "ready", port: await listening(served.server) });
      case "usage": {
        const [all, main] = [process.cpuUsage(), process.threadCpuUsage()];
        return send({
          ...{ kind: "usage", micros: all.user + all.system },
          mainMicros: main.user + main.system,
          residentBytes: process.memoryUsage.rss(),
        });
      }
      case "sample":
        sampler = new CpuSampler();
        return;
      case "profile": {
        const profile = must(sampler, "samples were asked for").stop();
        sampler?.close();
        return send({ kind: "profile", profile });
      }
      case "stop":
        served?.server.close();
        served?.server.closeAllConnections();
        await served?.stop();
        return process.disconnect();
    }
  };
  process.on("message", (message) => {
    answer(message as ToServer).catch((error: unknown) => {
      process.stderr.write(`${plan.kind}: ${errorText(error)}\n`);
      process.exit(1);
    });
  });
}

/** Reads a body to its end, if there is one, and sends the same bytes to everybody who asks in the same way. */
function bare({ body, posted = body }: BarePlan): RequestListener {
  const headersOf = (text: string): Record<string, string | number> => ({
    ...{ "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) },
  });
  const [headers, postedHeaders] = [headersOf(body), headersOf(posted)];
  return (request, response) => {
    const isPost = request.method === "POST";
    const answer = (): void => {
      response.writeHead(200, isPost ? postedHeaders : headers);
      response.end(isPost ? posted : body);
    };
    if (request.method === "GET") return answer();
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      assert(Buffer.concat(chunks).length > 0, "a body was sent");
      answer();
    });
  };
}

async function serveRegion(
  { region: name, regions, directory, prepare }: RegionPlan,
  transport: WebSocketTransport,
  portByRegion: Readonly<Record<string, number>>,
): Promise<Served> {
  const store = openSqliteStore({ path: join(directory, "atoll.sqlite") });
  const cluster = benchCluster(regions);
  const region = must(regionByName(cluster, name), name);
  const driver = new RegionDriver({
    ...{ cluster, region, store, transport, peers: peerUrls(cluster, region, portByRegion) },
    ...{ clock: systemClock, random: systemRandom, log: silentLog, codec: benchCodec },
    version: "bench",
  });
  driver.start();
  if (prepare.as === "rows") writeRows(driver, prepare.profiles);
  if (prepare.as === "writes") await writeProfiles(driver, prepare.profiles);
  const admin: Pick<AdminService, "readiness"> = { readiness: () => driver.readiness() };
  const listener = createPublicApp({
    ...{ service: driver.service, admin: admin }, // nobody asks for more of it here
    ...{ clock: systemClock, random: systemRandom, log: silentLog },
    region: name as RegionName,
    version: "bench",
  });
  return {
    server: createHttpServer(listener),
    stop: async () => {
      await driver.close();
      store.close();
    },
  };
}

function peerUrls(
  cluster: Cluster,
  own: Region,
  portByRegion: Readonly<Record<string, number>>,
): Map<RegionCode, string> {
  const others = cluster.regions.filter(({ code }) => code !== own.code);
  return new Map(
    others.map(({ name, code }) => [code, `ws://127.0.0.1:${must(portByRegion[name], name)}`]),
  );
}

/** Rows and views that no change stands behind: a read looks at nothing else. */
function writeRows({ replica }: RegionDriver, profiles: number): void {
  const { store, cluster, origin } = replica;
  replica.flush();
  const nowMs = systemClock.nowMs();
  for (let n = 0; n < profiles; n++) {
    if (n % ROWS_AT_ONCE === 0) store.begin();
    const id = httpProfileId(n);
    const docId = docIdOf(id);
    const hash = mustChangeHash(systemRandom.bytes(32));
    const hlc = hlcFromMs(nowMs - profiles + n);
    store.writeDocument({
      ...rowOf(replica.placeOf(docId), id, {
        ...{ heads: hash, changeCount: 1, sum: elementOf(cluster.keys, docId, hash) },
      }),
      ...{ createdHlc: hlc, updatedHlc: hlc, dep: new Map([[originRegion(origin), hlc]]) },
      view: canonicalJson(httpProfile(n)),
    });
    if (n % ROWS_AT_ONCE === ROWS_AT_ONCE - 1 || n === profiles - 1) store.commit();
  }
  replica.group.open();
  for (let shard = 0; shard < cluster.shardCount; shard++) replica.ledger.recountShard(shard);
  replica.flush();
}

async function writeProfiles({ service }: RegionDriver, profiles: number): Promise<void> {
  for (let n = 0; n < profiles; n += WRITES_AT_ONCE) {
    const count = Math.min(WRITES_AT_ONCE, profiles - n);
    const writes = Array.from({ length: count }, (_, i) =>
      service.write(
        httpProfileId(n + i),
        { kind: "put", value: httpProfile(n + i) },
        {},
        NO_SESSION,
        { upsert: true },
      ),
    );
    await Promise.all(writes);
  }
}

function listening(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen({ host: "127.0.0.1", port: 0 }, () => {
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function send(message: FromServer): void {
  process.send?.(message);
}
