/**
 * One region's configuration: a YAML file, the environment, or both. Environment wins over file, file
 * over default.
 *
 * The only file of the house that reads `process.env`. Everything is read, judged and frozen here once,
 * before anything starts; whoever gets a `RegionConfig` need not check it again. Relative paths are
 * relative to the file that names them, or to the working directory when the environment does.
 */
import { readFileSync, accessSync, constants } from "node:fs";
import { availableParallelism, homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parseDocument } from "yaml";
import type { Clock, FieldFault, Region, RegionName } from "@atoll/core";
import {
  AtollError,
  errorText,
  limits,
  must,
  parseRegionCode,
  parseRegionName,
  systemClock,
} from "@atoll/core";
import type { Rates } from "@atoll/gateway";
import type { Address } from "./address.ts";
import { parseAddress } from "./address.ts";
import type { Environment, Tree } from "./config-environment.ts";
import { applyEnvironment, namingVariable } from "./config-environment.ts";
import type { ConfigText, LOG_LEVELS } from "./config-schema.ts";
import { configFaults, configShape } from "./config-schema.ts";
import type { DiscoveryConfig } from "./discovery/open-discovery.ts";
import { parseDuration, parseSize } from "./quantities.ts";
import { findTlsFiles, tlsFileFaults } from "./tls-config.ts";
import type { TlsPaths } from "./tls-files.ts";
import type { TracingConfig } from "./tracing.ts";

export type { Environment } from "./config-environment.ts";
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface RegionConfig {
  readonly region: Region;
  readonly cluster: {
    readonly id: string;
    readonly secret: string;
    readonly shards: number;
    readonly regions: readonly Region[];
    /** That have left. */
    readonly former: readonly Region[];
  };
  /** Absolute. */
  readonly dataDirectory: string;
  readonly listen: { readonly rest: Address; readonly admin: Address; readonly peer: Address };
  readonly peers: ReadonlyMap<RegionName, string>;
  /** A registry that is watched; what `peers` says stays beside it. */
  readonly discovery: DiscoveryConfig | undefined;
  /** Where other regions answer clients: origins. */
  readonly forward: ReadonlyMap<RegionName, URL>;
  /** Undefined for links without TLS. */
  readonly tls: TlsPaths | undefined;
  /** Absolute; undefined for the built-in schema. */
  readonly schemaFile: string | undefined;
  /** Undefined: listeners are open. */
  readonly auth: AuthConfig | undefined;
  readonly rates: Rates;
  readonly corsOrigins: readonly string[];
  /** Processes that answer reads; 0: there are none. */
  readonly readers: number;
  readonly logLevel: LogLevel;
  readonly logRequests: boolean;
  /** What is not said is left to the replica. */
  readonly retention: {
    readonly ageMs?: number;
    readonly bytes?: number;
    readonly deadPeerAfterMs?: number;
  };
  /** Undefined: off. */
  readonly tracing: TracingConfig | undefined;
  /** Whether this region writes and reads a profile of its own. */
  readonly canary: boolean;
}

export interface AuthConfig {
  /** Absolute. */
  readonly keysFile: string | undefined;
  readonly jwt:
    | {
        readonly issuer: string;
        readonly audience: string;
        /** An absolute path, or where the issuer publishes its keys. */
        readonly jwks: string | URL;
      }
    | undefined;
}

/** Throws `config-invalid` with every fault at once. */
export function loadRegionConfig(
  source: {
    readonly file?: string | undefined;
    readonly environment?: Environment;
    readonly clock?: Clock;
    /** Said on the command line. */
    readonly insecure?: boolean;
  } = {},
): RegionConfig {
  const { file, environment = process.env, clock = systemClock } = source;
  const faults: FieldFault[] = [];
  const tree = file === undefined ? {} : readTree(file);
  const fileDirectory = file === undefined ? process.cwd() : dirname(resolve(file));
  applyEnvironment(tree, environment, faults);
  const directoryOf = (variable: string): string =>
    environment[variable] === undefined ? fileDirectory : process.cwd();

  if (source.insecure === true) tree["insecure"] = true;
  for (const key of ["cluster", "listen"]) tree[key] ??= {}; // so that what is missing inside is named
  resolveSecret(tree, directoryOf("ATOLL_CLUSTER_SECRET_FILE"), faults);
  const schemaFile = findSchema(tree, directoryOf("ATOLL_SCHEMA"), faults);
  const secretFaulted = faults.some(({ pointer }) => pointer.startsWith("/cluster/secret"));
  const shapeFaults = configFaults(tree).filter(
    ({ pointer }) => !(secretFaulted && pointer === "/cluster/secret"),
  );
  const tls = findTlsFiles(tree, directoryOf);
  if (tls !== undefined) shapeFaults.push(...tlsFileFaults(tree, tls, clock.nowMs()));
  faults.push(...shapeFaults.map((fault) => namingVariable(fault, environment)));
  if (faults.length > 0) {
    const count = faults.length === 1 ? "1 fault" : `${faults.length} faults`;
    const where = file === undefined ? "The configuration in the environment" : file;
    throw new AtollError("config-invalid", `${where} has ${count}`, { faults });
  }

  const config = configShape.parse(tree);
  const regionsOf = (codeByName: Readonly<Record<string, number>>): Region[] =>
    Object.entries(codeByName).map(([name, code]) => ({
      name: must(parseRegionName(name), "a checked name"),
      code: must(parseRegionCode(code), "a checked code"),
    }));
  const regions = regionsOf(config.cluster.regions);
  const address = (text: string): Address => must(parseAddress(text), "a checked address");
  return {
    region: must(
      regions.find(({ name }) => name === config.region),
      "the own region",
    ),
    cluster: { ...config.cluster, regions, former: regionsOf(config.cluster.former) },
    dataDirectory: resolve(directoryOf("ATOLL_DATA"), config.data),
    listen: {
      rest: address(config.listen.rest),
      admin: address(config.listen.admin),
      peer: address(config.listen.peer),
    },
    peers: new Map(
      Object.entries(config.peers).map(([name, url]) => [
        must(parseRegionName(name), "a checked name"),
        url,
      ]),
    ),
    discovery: config.discovery && discoveryOf(config.discovery),
    forward: new Map(
      Object.entries(config.forward).map(([name, url]) => [
        must(parseRegionName(name), "a checked name"),
        new URL(url),
      ]),
    ),
    tls,
    schemaFile,
    auth: config.auth && authOf(config.auth, directoryOf),
    rates: config.rates,
    corsOrigins: config.cors.origins,
    readers: readersOf(config.gateway.workers),
    logLevel: config.log.level,
    logRequests: config.log.requests,
    retention: retentionOf(config.retention),
    canary: config.canary.enabled,
    tracing: config.tracing && tracingOf(config.tracing),
  };
}

function discoveryOf({
  dns,
  etcd,
  consul,
}: NonNullable<ConfigText["discovery"]>): DiscoveryConfig | undefined {
  if (dns !== undefined) return { kind: "dns", place: dns };
  if (etcd !== undefined) return { kind: "etcd", place: etcd };
  return consul && { kind: "consul", place: consul };
}

function authOf(
  auth: NonNullable<ConfigText["auth"]>,
  directoryOf: (variable: string) => string,
): AuthConfig {
  const { keys, jwt } = auth;
  const isUrl = jwt?.jwks.startsWith("https://") ?? false;
  return {
    keysFile: keys && resolve(directoryOf("ATOLL_AUTH_KEYS"), keys),
    jwt: jwt && {
      issuer: jwt.issuer,
      audience: jwt.audience,
      jwks: isUrl ? new URL(jwt.jwks) : resolve(directoryOf("ATOLL_AUTH_JWT_JWKS"), jwt.jwks),
    },
  };
}

/** `auto` leaves a core to the replica. */
function readersOf(workers: ConfigText["gateway"]["workers"]): number {
  if (workers !== "auto") return workers;
  return Math.min(limits.READERS_MAX, Math.max(1, availableParallelism() - 1));
}

function retentionOf({ age, bytes, deadPeerAfter }: ConfigText["retention"]) {
  const duration = (text: string): number => must(parseDuration(text), "a checked duration");
  return {
    ...(age !== undefined && { ageMs: duration(age) }),
    ...(bytes !== undefined && { bytes: must(parseSize(bytes), "a checked size") }),
    ...(deadPeerAfter !== undefined && { deadPeerAfterMs: duration(deadPeerAfter) }),
  };
}

/** A collector that is named without a path takes traces where OTLP says so. */
function tracingOf({ endpoint, sample }: NonNullable<ConfigText["tracing"]>): TracingConfig {
  const url = new URL(endpoint);
  return { url: url.pathname === "/" ? new URL("/v1/traces", url) : url, sample };
}

/** One fault as a line for a person: `listen.rest: expected HOST:PORT, not "x"`. */
export function configFaultLine({ pointer, detail }: FieldFault): string {
  const path = pointer
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))
    .join(".");
  return path === "" ? detail : `${path}: ${detail}`;
}

/** The file named by the environment, for a command that was given none. */
export function configFileFromEnvironment(
  environment: Environment = process.env,
): string | undefined {
  return environment["ATOLL_CONFIG"];
}

/** What the command shows at a region's listeners: an API key or a token. Never an argument, which `ps` shows. */
export function commandCredential(environment: Environment = process.env): string | undefined {
  const token = environment["ATOLL_TOKEN"]?.trim() ?? "";
  return token === "" ? undefined : token;
}

/** Where the clusters that an operator speaks to are written down. */
export function contextsPath(environment: Environment = process.env): string {
  const named = environment["ATOLL_CONTEXTS"] ?? "";
  if (named !== "") return resolve(named);
  const home = environment["XDG_CONFIG_HOME"] || join(homedir(), ".config");
  return join(home, "atoll", "contexts.yaml");
}

/** How the command should talk to the person at this terminal (no-color.org). */
export function terminalPreferences(environment: Environment = process.env): {
  readonly color: boolean;
  readonly debug: boolean;
} {
  const plain = (environment["NO_COLOR"] ?? "") !== "" || environment["TERM"] === "dumb";
  const debug = environment["ATOLL_DEBUG"] ?? "";
  return { color: !plain, debug: debug !== "" && debug !== "0" };
}

/** For a child that is configured by its file alone: a variable would change all three regions. */
export function environmentWithoutAtoll(environment: Environment = process.env): Environment {
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => !name.startsWith("ATOLL_")),
  );
}

function readTree(file: string): Tree {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new AtollError(
      "config-invalid",
      `${file} cannot be read: ${errorText(error)}`,
      { mend: "Name a file that exists with --config." },
      error,
    );
  }
  const document = parseDocument(text, { prettyErrors: true });
  const faults = document.errors.map((error) => ({
    pointer: "",
    detail: error.message.split("\n")[0] ?? error.message,
    code: "not-yaml",
  }));
  const tree: unknown = faults.length > 0 ? {} : (document.toJS() ?? {});
  if (typeof tree !== "object" || tree === null || Array.isArray(tree)) {
    faults.push({ pointer: "", detail: "expected a mapping of keys to values", code: "not-yaml" });
  }
  if (faults.length > 0) {
    throw new AtollError("config-invalid", `${file} is not a configuration`, { faults });
  }
  return tree as Tree;
}

function resolveSecret(tree: Tree, directory: string, faults: FieldFault[]): void {
  const cluster = tree["cluster"];
  if (typeof cluster !== "object" || cluster === null || !("secretFile" in cluster)) return;
  const { secretFile, ...rest } = cluster as Tree;
  tree["cluster"] = rest;
  const fault = (detail: string): void => {
    faults.push({ pointer: "/cluster/secretFile", detail, code: "invalid-value" });
  };
  if (rest["secret"] !== undefined) fault("either secret or secretFile, not both");
  else if (typeof secretFile !== "string" || secretFile === "")
    fault("expected the path of a file");
  else {
    try {
      rest["secret"] = readFileSync(resolve(directory, secretFile), "utf8").trim();
    } catch (error) {
      fault(`cannot be read: ${errorText(error)}`);
    }
  }
}

function findSchema(tree: Tree, directory: string, faults: FieldFault[]): string | undefined {
  const schema = tree["schema"];
  if (typeof schema !== "string" || schema === "") return undefined;
  const file = resolve(directory, schema);
  try {
    accessSync(file, constants.R_OK);
  } catch (error) {
    const detail = `cannot be read: ${errorText(error)}`;
    faults.push({ pointer: "/schema", detail, code: "invalid-value" });
  }
  return file;
}
