/** The registry that the configuration names, asked for as long as the region runs. */
import type { Discovery, DiscoveryHost } from "./discovery.ts";
import type { ConsulPlace } from "./consul.ts";
import { discoverByConsul } from "./consul.ts";
import type { DnsPlace } from "./dns.ts";
import { discoverByDns } from "./dns.ts";
import type { EtcdPlace } from "./etcd.ts";
import { discoverByEtcd } from "./etcd.ts";

export type DiscoveryConfig =
  | { readonly kind: "dns"; readonly place: DnsPlace }
  | { readonly kind: "etcd"; readonly place: EtcdPlace }
  | { readonly kind: "consul"; readonly place: ConsulPlace };

export function openDiscovery(config: DiscoveryConfig, host: DiscoveryHost): Discovery {
  switch (config.kind) {
    case "dns":
      return discoverByDns(config.place, host);
    case "etcd":
      return discoverByEtcd(config.place, host);
    case "consul":
      return discoverByConsul(config.place, host);
  }
}
