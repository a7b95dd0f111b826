/**
 * One region of a fleet, on paper: its addresses, its files, and the configuration an operator would write.
 *
 *     RUN/us-east-1/atoll.yaml     written before the first start; JSON is YAML
 *                  /atoll.log      appended
 *                  /data/          atoll.db …
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import type { Random } from "@atoll/core";
import type { Links } from "../network/links.ts";

export const REGIONS = ["us-east-1", "eu-west-1", "ap-northeast-1"] as const;
export type RegionName = (typeof REGIONS)[number];
export const [US, EU, AP] = REGIONS;

const LOOPBACK = "127.0.0.1";
const PORTS_PER_REGION = 3;
/** Below the range from which the kernel takes ports for who dials: a region gets its own again. */
const PORT_MIN = 21_000;
const PORT_MAX = 31_000;
const PORT_ATTEMPTS = 100;

export interface RegionPlan {
  readonly name: RegionName;
  /** Place in the config, and in the history. */
  readonly place: number;
  readonly host: string;
  readonly ports: { readonly rest: number; readonly admin: number; readonly peer: number };
  readonly directory: string;
  readonly dataDirectory: string;
  readonly configFile: string;
  readonly logFile: string;
}

export interface RegionPorts {
  readonly name: RegionName;
  readonly rest: number;
  readonly admin: number;
  readonly peer: number;
}

export function restUrl({ host, ports }: RegionPlan): string {
  return `http://${host}:${ports.rest}`;
}

export function adminUrl({ host, ports }: RegionPlan): string {
  return `http://${host}:${ports.admin}`;
}

/** Ports that are free now, for every region. Somebody may still be faster. */
export async function choosePorts(random: Random): Promise<RegionPorts[]> {
  const count = REGIONS.length * PORTS_PER_REGION;
  for (let attempt = 0; attempt < PORT_ATTEMPTS; attempt++) {
    const base = PORT_MIN + random.below(PORT_MAX - PORT_MIN - count);
    const free = await Promise.all(Array.from({ length: count }, (_, i) => isFree(base + i)));
    if (!free.every(Boolean)) continue;
    return REGIONS.map((name, place) => {
      const first = base + place * PORTS_PER_REGION;
      return { name, rest: first, admin: first + 1, peer: first + 2 };
    });
  }
  throw new Error(`no ${count} free ports in a row between ${PORT_MIN} and ${PORT_MAX}`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen({ host: LOOPBACK, port });
    await once(server, "listening");
    server.close();
    await once(server, "close");
    return true;
  } catch {
    return false;
  }
}

/** Writes the files with which `atoll serve` starts these regions. */
export function planRegions(options: {
  readonly directory: string;
  readonly ports: readonly RegionPorts[];
  readonly links: Links;
  readonly secret: string;
}): RegionPlan[] {
  const { directory, ports, links, secret } = options;
  return ports.map(({ name, rest, admin, peer }, place) => {
    const home = join(directory, name);
    const plan: RegionPlan = {
      name,
      place,
      host: links.hostOf(name),
      ports: { rest, admin, peer },
      directory: home,
      dataDirectory: join(home, "data"),
      configFile: join(home, "atoll.yaml"),
      logFile: join(home, "atoll.log"),
    };
    mkdirSync(plan.dataDirectory, { recursive: true });
    writeFileSync(plan.configFile, configText(plan, links, secret));
    return plan;
  });
}

function configText(plan: RegionPlan, links: Links, secret: string): string {
  const { name, ports, dataDirectory } = plan;
  const host = links.listenHostOf(name);
  const others = REGIONS.filter((other) => other !== name);
  const config = {
    region: name,
    cluster: {
      id: "chaos",
      secret,
      regions: Object.fromEntries(REGIONS.map((region, place) => [region, place + 1])),
    },
    data: dataDirectory,
    listen: {
      rest: `${host}:${ports.rest}`,
      admin: `${host}:${ports.admin}`,
      peer: `${host}:${ports.peer}`,
    },
    peers: Object.fromEntries(others.map((other) => [other, links.dialUrl(name, other)])),
    ...(host !== LOOPBACK && { insecure: true }), // its network ends at this machine
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}
