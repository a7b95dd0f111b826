/**
 * Peers by name: a name per region, `{region}` in it stands for the region's.
 *
 *     srv: _peer._tcp.{region}.atoll.internal      host and port come from the record
 *     name: {region}.atoll.internal, port: 7103    A or AAAA, as a headless Service has them
 *
 * A name that does not exist is an answer: the region is not there. A server that fails is none. DNS tells
 * nobody of a change, so it is asked every few seconds.
 */
import { Resolver } from "node:dns/promises";
import type { RegionName } from "@atoll/core";
import { limits } from "@atoll/core";
import type { Discovery, DiscoveryHost } from "./discovery.ts";
import { peerUrl } from "./discovery.ts";
import { keepAsking } from "./rounds.ts";

export type DnsPlace = { readonly srv: string } | { readonly name: string; readonly port: number };

/** What of `node:dns` is used: a test gives its own. */
export interface NameResolver {
  resolveSrv(
    name: string,
  ): Promise<{ readonly name: string; readonly port: number; readonly priority: number }[]>;
  resolve4(name: string): Promise<string[]>;
  resolve6(name: string): Promise<string[]>;
}

const ABSENT = ["ENOTFOUND", "ENODATA"];

export function discoverByDns(
  place: DnsPlace,
  host: DiscoveryHost,
  resolver: NameResolver = new Resolver({ timeout: limits.DISCOVERY_DNS_MS, tries: 2 }),
): Discovery {
  const { regions, clock, log, found } = host;
  return keepAsking({
    what: "srv" in place ? place.srv : place.name,
    clock,
    log,
    async round(signal) {
      const urls = await Promise.all(
        regions.map(async (region) => [region, await look(place, region, host, resolver)] as const),
      );
      if (!signal.aborted) {
        found(new Map(urls.flatMap(([region, url]) => (url === undefined ? [] : [[region, url]]))));
      }
      return limits.DISCOVERY_DNS_MS;
    },
  });
}

async function look(
  place: DnsPlace,
  region: RegionName,
  { scheme }: DiscoveryHost,
  resolver: NameResolver,
): Promise<string | undefined> {
  if ("srv" in place) {
    const records = await orAbsent(resolver.resolveSrv(place.srv.replaceAll("{region}", region)));
    const [best] = records.sort((a, b) => a.priority - b.priority || (a.name < b.name ? -1 : 1));
    return best && peerUrl(scheme, best.name, best.port);
  }
  const name = place.name.replaceAll("{region}", region);
  const addresses = await orAbsent(resolver.resolve4(name));
  const [address] = (
    addresses.length > 0 ? addresses : await orAbsent(resolver.resolve6(name))
  ).sort();
  return address === undefined ? undefined : peerUrl(scheme, address, place.port);
}

async function orAbsent<T>(asking: Promise<T[]>): Promise<T[]> {
  try {
    return await asking;
  } catch (error) {
    if (ABSENT.includes((error as NodeJS.ErrnoException).code ?? "")) return [];
    throw error;
  }
}
