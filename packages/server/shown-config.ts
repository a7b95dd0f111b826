/** The configuration as an operator may see it: what is in force, without what is secret. */
import type { RegionConfig } from "./config.ts";
import { addressText } from "./address.ts";

export function shownConfig(config: RegionConfig): Readonly<Record<string, unknown>> {
  const { region, cluster, listen, tls, auth } = config;
  const entries = <T>(map: ReadonlyMap<string, T>) =>
    Object.fromEntries([...map].map(([name, value]) => [name, String(value)]));
  return {
    region: region.name,
    cluster: {
      id: cluster.id,
      shards: cluster.shards,
      regions: Object.fromEntries(cluster.regions.map(({ name, code }) => [name, code])),
      former: Object.fromEntries(cluster.former.map(({ name, code }) => [name, code])),
    },
    data: config.dataDirectory,
    listen: {
      rest: addressText(listen.rest),
      admin: addressText(listen.admin),
      peer: addressText(listen.peer),
    },
    peers: entries(config.peers),
    discovery:
      config.discovery === undefined ? null : { [config.discovery.kind]: config.discovery.place },
    forward: entries(config.forward),
    tls: tls ?? null,
    schema: config.schemaFile ?? null,
    auth:
      auth === undefined
        ? null
        : {
            keys: auth.keysFile ?? null,
            jwt: auth.jwt === undefined ? null : { ...auth.jwt, jwks: String(auth.jwt.jwks) },
          },
    rates: config.rates,
    cors: { origins: config.corsOrigins },
    gateway: { workers: config.readers },
    canary: { enabled: config.canary },
    tracing: config.tracing && {
      endpoint: config.tracing.url.origin,
      sample: config.tracing.sample,
    },
    log: { level: config.logLevel, requests: config.logRequests },
  };
}
