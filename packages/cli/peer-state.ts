/** The one admin request that cuts or heals a link, for `atoll peer` and for the demo. */
import type { HttpAnswer, HttpClient } from "./http-client.ts";

export interface PeerStateChange {
  /** Admin URL of the region at this end. */
  readonly admin: string;
  /** The region at the other end. */
  readonly region: string;
  readonly state: "paused" | "active";
}

export function setPeerState(
  client: Pick<HttpClient, "send">,
  { admin, region, state }: PeerStateChange,
): Promise<HttpAnswer> {
  return client.send({
    method: "PUT",
    url: `${admin}/admin/v1/peers/${encodeURIComponent(region)}/state`,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ state }),
  });
}
