/**
 * The region that the HTTP benches measure: as it is in production, but for how it is put together.
 *
 * Not from a configuration, because its database is filled before it serves: with rows, where only reads
 * are measured, or by writing documents as clients do.
 */
import type { Server } from "node:http";
import { join } from "node:path";
import type { Cluster, Region, RegionCode, RegionName } from "@atoll/core";
import {
  docIdOf,
  elementOf,
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
import type { RegionPlan } from "./http-messages.ts";
import { httpProfile, httpProfileId } from "./http-profiles.ts";
import { benchCluster, benchCodec } from "./region-pair.ts";
import { rowOf } from "./synthetic-rows.ts";
import { NO_SESSION } from "./visibility-reader.ts";

const WRITES_AT_ONCE = 64;
const ROWS_AT_ONCE = 1_000;

export interface Served {
  readonly server: Server;
  stop(): Promise<void>;
}

/** It listens for other regions before it knows where they are. */
export async function listenAsRegion(plan: RegionPlan): Promise<{
  readonly peerPort: number;
  readonly serve: (portByRegion: Readonly<Record<string, number>>) => Promise<Served>;
}> {
  const listen = { host: "127.0.0.1", port: 0 };
  const transport = new WebSocketTransport({ listen, log: silentLog });
  return {
    peerPort: await transport.listen(),
    serve: (portByRegion) => serveRegion(plan, transport, portByRegion),
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
  if (prepare.as === "rows") {
    driver.scrub.stop(); // rows without changes are what it takes for damage
    if (driver.replica.ledger.documents === 0) writeRows(driver, prepare.profiles);
  }
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
