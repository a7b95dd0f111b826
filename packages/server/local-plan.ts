/**
 * Three regions on one machine, on paper: names, ports, files. Nothing is touched here.
 *
 *     region           REST      admin     peer            DIR/
 *     us-east-1        N+1       N+2       N+3               cluster-secret        0600, made once
 *     eu-west-1        N+101     N+102     N+103             <region>/atoll.yaml   written at each start
 *     ap-northeast-1   N+201     N+202     N+203             <region>/atoll.log    appended
 *                                                            <region>/atoll.db …   the region's data
 *                                                            contexts.yaml         written at each start
 */
import { join, resolve } from "node:path";
import { stringify } from "yaml";

export const LOCAL_REGIONS = ["us-east-1", "eu-west-1", "ap-northeast-1"] as const;
export const LOCAL_BASE_PORT_DEFAULT = 7_100;
export const LOCAL_BASE_PORT_MIN = 1_023;
export const LOCAL_BASE_PORT_MAX = 65_535 - 203;

const HOST = "127.0.0.1";
const PORTS_PER_REGION = 100;
const SECRET_FILE = "cluster-secret";

export interface LocalRegionPlan {
  readonly name: string;
  readonly ports: { readonly rest: number; readonly admin: number; readonly peer: number };
  readonly rest: string;
  readonly admin: string;
  readonly peer: string;
  readonly directory: string;
  readonly configFile: string;
  readonly logFile: string;
}

export interface LocalPlan {
  readonly directory: string;
  readonly secretFile: string;
  /** For a command that is to speak to these regions: ATOLL_CONTEXTS. */
  readonly contextsFile: string;
  readonly basePort: number;
  readonly regions: readonly LocalRegionPlan[];
  readonly dialUrl: DialUrl;
}

/** Where the first region dials the second one: at its own port, unless something lies in between. */
export type DialUrl = (from: string, to: LocalRegionPlan) => string;

export interface LocalClusterOptions {
  readonly dataDir: string;
  readonly basePort: number;
  readonly dialUrl?: DialUrl;
}

export function planLocalCluster(options: LocalClusterOptions): LocalPlan {
  const { dataDir, basePort, dialUrl = (_from, to) => to.peer } = options;
  const directory = resolve(dataDir);
  const regions = LOCAL_REGIONS.map((name, index) => {
    const first = basePort + PORTS_PER_REGION * index;
    const ports = { rest: first + 1, admin: first + 2, peer: first + 3 };
    return {
      name,
      ports,
      rest: `http://${HOST}:${ports.rest}`,
      admin: `http://${HOST}:${ports.admin}`,
      peer: `ws://${HOST}:${ports.peer}`,
      directory: join(directory, name),
      configFile: join(directory, name, "atoll.yaml"),
      logFile: join(directory, name, "atoll.log"),
    };
  });
  return {
    directory,
    secretFile: join(directory, SECRET_FILE),
    contextsFile: join(directory, "contexts.yaml"),
    basePort,
    regions,
    dialUrl,
  };
}

export function localPorts(plan: LocalPlan): number[] {
  return plan.regions.flatMap(({ ports }) => [ports.rest, ports.admin, ports.peer]);
}

/** The file with which `atoll serve` starts this region: exactly what an operator would write. */
export function localConfigText(plan: LocalPlan, region: LocalRegionPlan): string {
  const others = plan.regions.filter(({ name }) => name !== region.name);
  const comment =
    "# Written by `atoll local` at each start; what is changed here is lost then.\n" +
    "# This region alone: npx atoll serve --config THIS-FILE\n";
  const config = {
    region: region.name,
    cluster: {
      id: "local",
      secretFile: `../${SECRET_FILE}`,
      regions: Object.fromEntries(plan.regions.map(({ name }, index) => [name, index + 1])),
    },
    data: ".",
    listen: {
      rest: `${HOST}:${region.ports.rest}`,
      admin: `${HOST}:${region.ports.admin}`,
      peer: `${HOST}:${region.ports.peer}`,
    },
    peers: Object.fromEntries(
      others.map((other) => [other.name, plan.dialUrl(region.name, other)]),
    ),
    forward: Object.fromEntries(others.map(({ name, rest }) => [name, rest])),
  };
  return comment + stringify(config);
}

/** The context `local`, as `atoll context set` would write it. */
export function localContextsText({ regions }: LocalPlan): string {
  const urls = regions.map(({ name, admin, rest }) => [name, { admin, rest }] as const);
  const local = { regions: Object.fromEntries(urls) };
  return stringify({ current: "local", contexts: { local } });
}
