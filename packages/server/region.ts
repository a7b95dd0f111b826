/**
 * The composition root: one region from its configuration, and the only place where the real doors to
 * the world are built.
 *
 *     lock the directory ─▶ open the store ─▶ driver ─▶ listen for peers ─▶ listen for clients ─▶ start
 *
 * A failure at any step closes what was opened before, in reverse, and says what to do: a region that is
 * half started would hold a lock or a port and serve nobody. Stopping is the same walk back, so that
 * clients are let out first and the lock goes last.
 */
import type { RequestListener } from "node:http";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import type { Cluster, Log, RegionCode, RegionName } from "@atoll/core";
import {
  AtollError,
  deriveClusterKeys,
  errorText,
  must,
  parseRegionName,
  regionByName,
  systemClock,
  systemRandom,
} from "@atoll/core";
import { createAdminApp, createPublicApp } from "@atoll/gateway";
import { ProfileCodec } from "@atoll/profile";
import { RegionDriver } from "@atoll/replica";
import { lockDirectory, makeDirectories, openSqliteStore } from "@atoll/store";
import { WebSocketTransport } from "@atoll/sync";
import type { Address } from "./address.ts";
import { addressText, isLoopback } from "./address.ts";
import { buildInfo } from "./build-info.ts";
import { AuditLog } from "./audit-log.ts";
import type { CanaryOptions, CanaryPeer } from "./canary.ts";
import { Canary } from "./canary.ts";
import type { RegionConfig } from "./config.ts";
import { openDiscovery } from "./discovery/open-discovery.ts";
import { openEntrance } from "./entrance.ts";
import { listenForHttp } from "./http-listener.ts";
import { LinkCertificate } from "./link-certificate.ts";
import { listenFailure } from "./listen-failure.ts";
import { loadProfileSchema } from "./profile-schema.ts";
import { addressFromReader, openReaders } from "./readers/open-readers.ts";
import { PrometheusMeter } from "./prometheus.ts";
import { collectRegion } from "./region-metrics.ts";
import type { Opened } from "./opened.ts";
import { closeInReverse } from "./opened.ts";
import { shownConfig } from "./shown-config.ts";
import { statingTruth } from "./stating-truth.ts";
import { OpenTelemetry } from "./tracing.ts";
import { VERSION } from "./version.ts";

export interface RunningRegion {
  /** Where it really listens, also when the configuration left a port to the system. */
  readonly urls: { readonly rest: string; readonly admin: string; readonly peer: string };
  /** Lets the requests under way finish, then stops. Idempotent. */
  close(): Promise<void>;
}

/**
 * Throws `AtollError`: config-invalid, data-directory-unusable, data-directory-locked,
 * incompatible-data, storage-failed, address-in-use.
 */
export async function startRegion(
  config: RegionConfig,
  { log }: { readonly log: Log },
): Promise<RunningRegion> {
  const opened: Opened[] = [];
  try {
    const urls = await openAll(config, log, opened);
    log.info("region-started", { version: VERSION, ...urls, data: config.dataDirectory });
    let closing: Promise<void> | undefined;
    return { urls, close: () => (closing ??= closeInReverse(opened, log)) };
  } catch (error) {
    await closeInReverse(opened, log);
    throw error;
  }
}

async function openAll(
  config: RegionConfig,
  log: Log,
  opened: Opened[],
): Promise<RunningRegion["urls"]> {
  const { region, listen, dataDirectory } = config;
  const schema = loadProfileSchema(config.schemaFile);
  const cluster: Cluster = {
    id: config.cluster.id,
    shardCount: config.cluster.shards,
    regions: config.cluster.regions,
    former: config.cluster.former,
    keys: deriveClusterKeys(config.cluster.secret, config.cluster.id),
  };

  makeDirectory(dataDirectory);
  const lock = lockDirectory(dataDirectory);
  opened.push({ what: "lock", close: () => lock.release() });
  const isReadBeside = config.readers > 0;
  const path = join(dataDirectory, "atoll.db");
  const store = openSqliteStore({ path, isDurableAtCommit: isReadBeside });
  opened.push({ what: "store", close: () => store.close() });

  const addressOf = isReadBeside ? addressFromReader : undefined;
  const entrance = openEntrance(config, systemClock, log, addressOf);
  opened.push({ what: "entrance", close: () => entrance.close() });
  const meter = new PrometheusMeter();
  const tracing = openTracing(config, log, opened);
  const certificate = openCertificate(config, log, opened);
  const transport = new WebSocketTransport({ listen: listen.peer, log, tls: certificate?.tls });
  opened.push({ what: "transport", close: () => transport.stop() });
  const driver = new RegionDriver({
    cluster,
    region,
    store,
    transport,
    clock: systemClock,
    random: systemRandom,
    log,
    codec: new ProfileCodec(schema),
    peers: peerUrls(config.peers, cluster),
    version: VERSION,
    meter,
    tracing,
    rates: entrance.clients.rates,
    retention: config.retention,
  });
  opened.push({ what: "driver", close: () => driver.close() });
  const peerPort = await orListenFailure(transport.listen(), listen.peer, "listen.peer");
  certificate?.start((tls) => transport.renewTls(tls));

  collectRegion(meter, {
    driver,
    gates: [entrance.clients, entrance.operators],
    loopLag: entrance.loopLag,
    disk: entrance.disk,
    certificate,
    dataDirectory,
    version: VERSION,
  });

  const deps = {
    service: driver.service,
    admin: {
      readiness: () => driver.readiness(),
      status: () => ({ ...driver.status(), tls: certificate?.status() ?? null }),
      setPeerState: driver.setPeerState.bind(driver),
      compareWith: driver.compareWith.bind(driver),
      truth: statingTruth(driver, config, systemClock),
      documents: driver.documents,
      setDrained: (drained: boolean) => driver.setDrained(drained),
      audit: new AuditLog({ directory: dataDirectory, log }),
      actors: () => driver.actors(),
      quarantine: driver.quarantine,
      scrub: driver.scrub,
      metrics: meter,
      config: () => shownConfig(config),
      build: buildInfo,
    },
    meter,
    logRequests: config.logRequests,
    log,
    clock: systemClock,
    random: systemRandom,
    region: region.name,
    version: VERSION,
  };
  const serve = async (app: RequestListener, key: "rest" | "admin"): Promise<string> => {
    const starting = listenForHttp(app, listen[key], systemClock);
    const listener = await orListenFailure(starting, listen[key], `listen.${key}`);
    opened.push({ what: `${key} listener`, close: () => listener.close() });
    return `http://${addressText(listener.address)}`;
  };
  const publicApp = createPublicApp({
    ...deps,
    gate: entrance.clients,
    forwardTo: config.forward,
    links: () => driver.peers(),
    corsOrigins: config.corsOrigins,
    tracing,
  });
  const { rates } = entrance.clients;
  const rest =
    config.readers === 0
      ? await serve(publicApp, "rest")
      : await openReaders(publicApp, config, { log, meter, rates, opened });
  const admin = await serve(createAdminApp({ ...deps, gate: entrance.operators }), "admin");
  driver.start();
  watchRegistry(config, cluster, driver, { log, opened });
  if (config.canary) startCanary({ driver, region: region.name, log, meter }, opened);
  return {
    rest,
    admin,
    peer: `${certificate === undefined ? "ws" : "wss"}://${addressText({ ...listen.peer, port: peerPort })}`,
  };
}

function openTracing(config: RegionConfig, log: Log, opened: Opened[]): OpenTelemetry | undefined {
  if (config.tracing === undefined) return undefined;
  const { region, cluster, tracing } = config;
  const telemetry = new OpenTelemetry({
    config: tracing,
    region: region.name,
    cluster: cluster.id,
    clock: systemClock,
    log,
  });
  opened.push({ what: "tracing", close: () => telemetry.close() });
  return telemetry;
}

function startCanary(
  {
    driver,
    ...rest
  }: Pick<CanaryOptions, "region" | "log" | "meter"> & { readonly driver: RegionDriver },
  opened: Opened[],
): void {
  const peers = (): CanaryPeer[] =>
    driver.peers().map(({ region, state, root, behind }) => ({
      region: must(parseRegionName(region), "a region's name"),
      isLive: state === "live",
      isDiverged: root === "differs" && behind === 0,
    }));
  const canary = new Canary({ ...rest, service: driver.service, peers, clock: systemClock });
  opened.push({ what: "canary", close: () => canary.stop() });
  canary.start();
}

function openCertificate(
  config: RegionConfig,
  log: Log,
  opened: Opened[],
): LinkCertificate | undefined {
  const { tls: paths, region, cluster, listen } = config;
  if (paths === undefined) {
    const peer = addressText(listen.peer);
    if (!isLoopback(listen.peer)) log.warn("links-not-encrypted", { peer, mend: "set tls" });
    return undefined;
  }
  const certificate = new LinkCertificate({
    paths,
    clusterId: cluster.id,
    region,
    clock: systemClock,
    log,
  });
  opened.push({ what: "certificate", close: () => certificate.close() });
  return certificate;
}

/** What the configuration names stays, whatever the registry says. */
function watchRegistry(
  config: RegionConfig,
  cluster: Cluster,
  driver: RegionDriver,
  { log, opened }: { readonly log: Log; readonly opened: Opened[] },
): void {
  if (config.discovery === undefined) return;
  const others = cluster.regions.filter(({ code }) => code !== config.region.code);
  const discovery = openDiscovery(config.discovery, {
    regions: others.map(({ name }) => name),
    scheme: config.tls === undefined ? "ws" : "wss",
    clock: systemClock,
    log,
    found: (peers) => driver.setPeers(peerUrls(new Map([...peers, ...config.peers]), cluster)),
  });
  opened.push({ what: "discovery", close: () => discovery.close() });
}

function makeDirectory(directory: string): void {
  try {
    makeDirectories(directory);
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new AtollError(
      "data-directory-unusable",
      `The data directory ${directory} cannot be used: ${errorText(error)}`,
      { mend: "Give the process read and write access to it, or name another directory in data." },
      error,
    );
  }
}

function peerUrls(
  peers: ReadonlyMap<RegionName, string>,
  cluster: Cluster,
): Map<RegionCode, string> {
  return new Map(
    [...peers].map(([name, url]) => [must(regionByName(cluster, name), name).code, url]),
  );
}

async function orListenFailure<T>(starting: Promise<T>, address: Address, key: string): Promise<T> {
  try {
    return await starting;
  } catch (error) {
    throw listenFailure(error, address, key);
  }
}
