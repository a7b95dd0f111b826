/**
 * Peers in Consul: instances of one service, with the region's name in their meta data.
 *
 *     { "Name": "atoll-peer", "Address": "10.1.0.7", "Port": 7103, "Meta": { "region": "eu-west-1" } }
 *
 * The catalogue is asked, not the health: a region whose check fails is not gone, and letting go of its link
 * would make an outage of a slow check. A blocking query answers when something has changed.
 */
import { limits } from "@atoll/core";
import { z } from "zod";
import type { Discovery, DiscoveryHost, FoundPeers } from "./discovery.ts";
import { peerUrl } from "./discovery.ts";
import { keepAsking } from "./rounds.ts";

export interface ConsulPlace {
  readonly url: string;
  readonly service: string;
}

const instances = z.array(
  z.looseObject({
    Address: z.string(),
    ServiceAddress: z.string().default(""),
    ServicePort: z.number(),
    ServiceMeta: z.record(z.string(), z.string()).nullish(),
  }),
);

export function discoverByConsul(place: ConsulPlace, host: DiscoveryHost): Discovery {
  const { clock, log, found } = host;
  let index = "0";
  return keepAsking({
    what: `Consul ${place.service}`,
    clock,
    log,
    async round(signal) {
      const url = new URL(`/v1/catalog/service/${encodeURIComponent(place.service)}`, place.url);
      url.searchParams.set("index", index);
      url.searchParams.set("wait", `${limits.DISCOVERY_WATCH_MS / 1_000}s`);
      // Consul waits up to a sixteenth longer than it was asked to.
      const overdue = AbortSignal.timeout(limits.DISCOVERY_WATCH_MS * 1.25);
      const answer = await fetch(url, { signal: AbortSignal.any([signal, overdue]) });
      if (!answer.ok) throw new Error(`${place.url} answers ${answer.status}`);
      const parsed = instances.parse(await answer.json());
      const next = answer.headers.get("x-consul-index") ?? "0";
      // An index that goes back is of a server that has lost its state: everything is asked anew.
      index = Number(next) < Number(index) ? "0" : next;
      if (!signal.aborted) found(peersOf(parsed, host));
      return index === "0" ? limits.DISCOVERY_RETRY_MS : 0;
    },
  });
}

function peersOf(found: z.infer<typeof instances>, { regions, scheme }: DiscoveryHost): FoundPeers {
  const peers = regions.map((region) => {
    const [first] = found
      .filter(({ ServiceMeta }) => ServiceMeta?.["region"] === region)
      .map(({ ServiceAddress, Address, ServicePort }) =>
        peerUrl(scheme, ServiceAddress === "" ? Address : ServiceAddress, ServicePort),
      )
      .sort();
    return [region, first] as const;
  });
  return new Map(peers.flatMap(([region, url]) => (url === undefined ? [] : [[region, url]])));
}
