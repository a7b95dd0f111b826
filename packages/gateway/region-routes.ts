/** `/v1/regions`: what a client needs to choose another region, and to know how far behind it is seen. */
import type { Express, Request } from "express";
import type { RegionName } from "@atoll/core";
import { sendJson } from "./answer.ts";
import type { Reply } from "./answer.ts";
import { mountOperations } from "./contract-routes.ts";
import { getRegions } from "./contract/regions.ts";
import type { RegionList } from "./contract/regions.ts";
import type { RegionLink } from "./profile-service.ts";

export interface RegionRoutesDeps {
  readonly region: RegionName;
  /** Where regions answer clients, as far as this one knows. */
  readonly urls: ReadonlyMap<string, URL>;
  readonly links: () => readonly RegionLink[];
}

export function mountRegionRoutes(app: Express, { region, urls, links }: RegionRoutesDeps): void {
  const endpointOf = (name: string): string | null => urls.get(name)?.origin ?? null;

  function get(_request: Request, reply: Reply): void {
    const list: RegionList = {
      region,
      regions: [
        { name: region, endpoint: endpointOf(region), link: "self", lagMs: 0 },
        ...links().map(({ region: name, state, lagMs }) => ({
          name,
          endpoint: endpointOf(name),
          link: state,
          lagMs,
        })),
      ],
    };
    sendJson(reply, 200, list);
  }

  mountOperations(app, [[getRegions, get]]);
}
