/**
 * Who the other regions are and where they listen, from a registry that may change while we run.
 *
 *     registry ──▶ names and addresses ──▶ driver.setPeers ──▶ dials who is new, lets go who is gone
 *
 * A registry is asked for the whole set each time, never for a difference: a message that was missed would be a
 * peer that is missed for ever. A registry that does not answer changes nothing, because a link needs it only to
 * begin; one that answers without a region has taken it out, and that is what an operator asked for.
 */
import type { Clock, Log, RegionName } from "@atoll/core";

/** Region to WebSocket URL. */
export type FoundPeers = ReadonlyMap<RegionName, string>;

export interface DiscoveryHost {
  /** The other regions of the cluster: whoever else a registry names is no concern of ours. */
  readonly regions: readonly RegionName[];
  readonly scheme: "ws" | "wss";
  readonly clock: Clock;
  readonly log: Log;
  /** The whole set, at first and whenever it may have changed. */
  readonly found: (peers: FoundPeers) => void;
}

export interface Discovery {
  /** Nothing is told after it. Idempotent. */
  close(): void;
}

/** What a registry holds under a region's name, when it is a URL of the kind that we dial: never less than TLS. */
export function peerUrlOf(text: string, scheme: "ws" | "wss"): string | undefined {
  const url = URL.parse(text.trim());
  return url?.protocol === `${scheme}:` && url.host !== "" ? text.trim() : undefined;
}

/** IPv6 addresses in brackets. */
export function peerUrl(scheme: "ws" | "wss", host: string, port: number): string {
  return `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
