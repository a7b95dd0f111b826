/**
 * The operator's vocabulary: every key of a region's configuration and what it may hold.
 *
 *     region: us-east-1                          which of the cluster's regions this process is
 *     cluster:
 *       id: demo                                 the same four in every region
 *       secret: "…"  or  secretFile: path        everything that is keyed is derived from it
 *       shards: 256
 *       regions: { us-east-1: 1, eu-west-1: 2 }  name: code
 *       former: { sa-east-1: 3 }                 that have left: their code stays taken, their writes theirs
 *     data: ./data/us-east-1                     a directory of its own
 *     listen: { rest: 127.0.0.1:7101, admin: 127.0.0.1:7102, peer: 127.0.0.1:7103 }
 *     peers: { eu-west-1: ws://127.0.0.1:7203 }  whom to dial
 *     discovery:                                 or: a registry that is watched, beside what peers says
 *       dns: { srv: "_peer._tcp.{region}.atoll.internal" }  or  { name: "{region}.atoll", port: 7103 }
 *       etcd: { endpoints: ["http://10.0.0.9:2379"], prefix: /atoll/peers }
 *       consul: { url: "http://127.0.0.1:8500", service: atoll-peer }
 *     forward: { eu-west-1: http://10.0.0.2:7101 }
 *                                                where each answers clients, for sessions not covered here
 *     tls: { ca: path, cert: path, key: path }   mutual TLS on links; peers are wss:// then
 *     schema: path                               the profile schema; built in otherwise
 *     auth:                                      who may come in; without it, listeners stay on loopback
 *       keys: path                               API keys, as `atoll key new` prints them
 *       jwt: { issuer: …, audience: …, jwks: path or https URL }
 *     rates: { reads: { perSecond: 500, burst: 1000 }, writes: { … } }
 *                                                of each principal, in all regions together
 *     gateway: { workers: 2 }                    processes that answer reads on the same port, or auto;
 *                                                0: the replica's own process does it all
 *     insecure: true                             open listeners beyond loopback, all the same
 *     cors: { origins: ["https://app.example"] }  whose pages may call this region
 *     log: { level: info, requests: false }      requests: a line for each
 *     retention: { age: 24h, bytes: 2GiB, deadPeerAfter: 3d }
 *                                                how long entries are kept in the log
 *     canary: { enabled: false }                 no profile of this region's own, and no watch by it
 *     tracing: { endpoint: "http://127.0.0.1:4318", sample: 0.1 }
 *                                                OpenTelemetry spans by OTLP/HTTP; off without
 *
 * A start with a wrong config must not become a guessing game of one error at a time: the shape and the
 * checks between keys are judged separately and independently, and all that is wrong is listed at once.
 */
import { z } from "zod";
import type { FieldFault } from "@atoll/core";
import { REGION_CODE_MAX, limits, parseRegionCode, parseRegionName } from "@atoll/core";
import { parseDuration, parseSize } from "./quantities.ts";
import { isLoopback, parseAddress } from "./address.ts";

export const SECRET_CHARS_MIN = 16;
export const SHARDS_MAX = 4_096;
export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;

/** Says what would have been right, and repeats what was there instead: except for the secret. */
function expecting(what: string, { quote = true } = {}) {
  return {
    error: ({ input }: { readonly input?: unknown }): string => {
      if (input === undefined) return `missing; expected ${what}`;
      return quote ? `expected ${what}, not ${shown(input)}` : `expected ${what}`;
    },
  };
}

function shown(input: unknown): string {
  const text = JSON.stringify(input) ?? typeof input;
  return text.length <= 80 ? text : `${text.slice(0, 77)}…`;
}

const regionName = (what: string) =>
  z.string(expecting(what)).refine((text) => parseRegionName(text) !== undefined, expecting(what));

const address = z
  .string(expecting("HOST:PORT, such as 127.0.0.1:7101"))
  .refine(
    (text) => parseAddress(text) !== undefined,
    expecting("HOST:PORT, such as 127.0.0.1:7101"),
  );

const PEER_URL = "a WebSocket URL, such as ws://10.0.0.2:7103";
const peerUrl = z.string(expecting(PEER_URL)).refine((text) => {
  const url = URL.parse(text);
  return url !== null && (url.protocol === "ws:" || url.protocol === "wss:") && url.host !== "";
}, expecting(PEER_URL));

const REST_URL = "an HTTP origin, such as http://10.0.0.2:7101";
const restUrl = z.string(expecting(REST_URL)).refine((text) => {
  const url = URL.parse(text);
  const isHttp = url?.protocol === "http:" || url?.protocol === "https:";
  return isHttp && url.host !== "" && url.href === `${url.origin}/`; // no path, query or user
}, expecting(REST_URL));

const CODE = `a code from 1 to ${REGION_CODE_MAX}`;
const regionCode = z
  .number(expecting(CODE))
  .refine((code) => parseRegionCode(code) !== undefined, expecting(CODE));

const SHARDS = `a power of two from 1 to ${SHARDS_MAX}`;
const shards = z.number(expecting(SHARDS)).refine((count) => {
  return (
    Number.isInteger(count) && count >= 1 && count <= SHARDS_MAX && (count & (count - 1)) === 0
  );
}, expecting(SHARDS));

const SECRET = `a text of at least ${SECRET_CHARS_MIN} characters`;
const secret = z
  .string(expecting(SECRET, { quote: false }))
  .refine((text) => text.length >= SECRET_CHARS_MIN, expecting(SECRET, { quote: false }));

const path = (what: string) =>
  z.string(expecting(what)).refine((text) => text !== "", expecting(what));

const ORIGIN = "an origin as browsers name it, such as https://app.example";
const origin = z
  .string(expecting(ORIGIN))
  .refine((text) => URL.parse(text)?.origin === text && text !== "null", expecting(ORIGIN));

const COLLECTOR = "the URL of an OTLP collector, such as http://127.0.0.1:4318";
const collector = z
  .string(expecting(COLLECTOR))
  .refine((text) => /^https?:$/.test(URL.parse(text)?.protocol ?? ""), expecting(COLLECTOR));
const PART = "a number from 0 to 1";

const POSITIVE = "a number above 0";
const rate = z.strictObject(
  {
    perSecond: z.number(expecting(POSITIVE)).positive(expecting(POSITIVE)),
    burst: z.int(expecting("a whole number from 1")).min(1, expecting("a whole number from 1")),
  },
  expecting("{ perSecond: …, burst: … }"),
);

const WORKERS = `auto or a whole number from 0 to ${limits.READERS_MAX}`;
const workers = z.union(
  [z.literal("auto"), z.int().min(0).max(limits.READERS_MAX)],
  expecting(WORKERS),
);

const NAME = "a region's name: lower-case letters, digits and hyphens, such as eu-west-1";
const mapping = (what: string) => expecting(`a mapping of ${what}`);

const DURATION = "a duration, such as 90m, 24h or 7d";
const duration = z
  .string(expecting(DURATION))
  .refine((text) => parseDuration(text) !== undefined, expecting(DURATION));
const SIZE = "a size in bytes, or one such as 512MiB or 20GiB";
const size = z
  .union([z.string(), z.number()], expecting(SIZE))
  .refine((value) => parseSize(value) !== undefined, expecting(SIZE));

const PATTERN = "a name with {region} in it, such as {region}.atoll.internal";
const pattern = z
  .string(expecting(PATTERN))
  .refine((text) => text.includes("{region}"), expecting(PATTERN));
const PORT = "a port from 1 to 65535";
const port = z.int(expecting(PORT)).min(1, expecting(PORT)).max(65_535, expecting(PORT));
const registry = z.string(expecting(REST_URL)).refine((text) => {
  return /^https?:$/.test(URL.parse(text)?.protocol ?? "");
}, expecting(REST_URL));

const DNS = "{ srv: … } or { name: …, port: … }";
const DISCOVERY = "one of dns, etcd, consul";
const discovery = z
  .strictObject(
    {
      dns: z
        .union(
          [z.strictObject({ srv: pattern }), z.strictObject({ name: pattern, port })],
          expecting(DNS),
        )
        .optional(),
      etcd: z
        .strictObject(
          {
            endpoints: z.array(registry, expecting("a list of URLs")).min(1, expecting("a URL")),
            prefix: path("the prefix of the peers' keys"),
          },
          mapping("endpoints, prefix"),
        )
        .optional(),
      consul: z
        .strictObject(
          { url: registry, service: path("the service's name") },
          mapping("url, service"),
        )
        .optional(),
    },
    expecting(DISCOVERY),
  )
  .refine((given) => Object.values(given).filter(Boolean).length === 1, expecting(DISCOVERY));

export const configShape = z.strictObject(
  {
    region: regionName(NAME),
    cluster: z.strictObject(
      {
        id: path("the cluster's name"),
        secret,
        shards: shards.default(limits.SHARDS_DEFAULT),
        regions: z.record(
          regionName(NAME),
          regionCode,
          mapping("region names to codes, such as { us-east-1: 1 }"),
        ),
        former: z
          .record(
            regionName(NAME),
            regionCode,
            mapping("names to codes of regions that have left, such as { sa-east-1: 3 }"),
          )
          .default({}),
      },
      mapping("id, secret or secretFile, shards, regions, former"),
    ),
    data: path("a directory"),
    listen: z.strictObject(
      { rest: address, admin: address, peer: address },
      mapping("rest, admin, peer"),
    ),
    peers: z
      .record(regionName(NAME), peerUrl, mapping("region names to WebSocket URLs"))
      .default({}),
    discovery: discovery.optional(),
    forward: z
      .record(regionName(NAME), restUrl, mapping("region names to HTTP origins"))
      .default({}),
    tls: z
      .strictObject(
        {
          ca: path("the file of the CA that signs regions of this cluster"),
          cert: path("the file of this region's certificate"),
          key: path("the file of its private key"),
        },
        mapping("ca, cert, key"),
      )
      .optional(),
    schema: path("the file of a profile schema").optional(),
    auth: z
      .strictObject(
        {
          keys: path("the file of API keys").optional(),
          jwt: z
            .strictObject(
              {
                issuer: path("the issuer, as its tokens name it"),
                audience: path("the audience that tokens must be for"),
                jwks: path("the file of the issuer's public keys, or its https:// URL"),
              },
              mapping("issuer, audience, jwks"),
            )
            .optional(),
        },
        mapping("keys, jwt"),
      )
      .refine(
        ({ keys, jwt }) => keys !== undefined || jwt !== undefined,
        expecting("keys, jwt or both"),
      )
      .optional(),
    rates: z
      .strictObject({ reads: rate.optional(), writes: rate.optional() }, mapping("reads, writes"))
      .default({}),
    cors: z
      .strictObject(
        { origins: z.array(origin, expecting("a list of origins")) },
        mapping("origins"),
      )
      .default({ origins: [] }),
    gateway: z.strictObject({ workers }, mapping("workers")).default({ workers: 0 }),
    insecure: z.boolean(expecting("true or false")).default(false),
    log: z
      .strictObject(
        {
          level: z.enum(LOG_LEVELS, expecting(`one of ${LOG_LEVELS.join(", ")}`)).default("info"),
          requests: z.boolean(expecting("true or false")).default(false),
        },
        mapping("level, requests"),
      )
      .default({ level: "info", requests: false }),
    retention: z
      .strictObject(
        { age: duration.optional(), bytes: size.optional(), deadPeerAfter: duration.optional() },
        mapping("age, bytes, deadPeerAfter"),
      )
      .default({}),
    canary: z
      .strictObject({ enabled: z.boolean(expecting("true or false")) }, mapping("enabled"))
      .default({ enabled: true }),
    tracing: z
      .strictObject(
        {
          endpoint: collector,
          sample: z
            .number(expecting(PART))
            .min(0, expecting(PART))
            .max(1, expecting(PART))
            .default(1),
        },
        mapping("endpoint, sample"),
      )
      .optional(),
  },
  mapping(
    "the keys region, cluster, data, listen, peers, discovery, forward, tls, schema, auth, rates, cors, gateway, insecure, log, retention, canary, tracing",
  ),
);

export type ConfigText = z.infer<typeof configShape>;

/** Everything wrong with a configuration; empty when `configShape` accepts it and it makes sense. */
export function configFaults(raw: unknown): FieldFault[] {
  const parsed = configShape.safeParse(raw);
  const shape = parsed.success ? [] : parsed.error.issues.flatMap(issueToFaults);
  return [...shape, ...crossFaults(raw)];
}

function issueToFaults(issue: z.core.$ZodIssue): FieldFault[] {
  const pointer = toPointer(issue.path);
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      pointer: `${pointer}${toPointer([key])}`,
      detail: "unknown key",
      code: "unknown-key",
    }));
  }
  if (issue.code === "invalid_key") {
    return [{ pointer, detail: `expected ${NAME}`, code: "invalid-key" }];
  }
  return [{ pointer, detail: issue.message, code: "invalid-value" }];
}

export function toPointer(path: readonly PropertyKey[]): string {
  return path
    .map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`)
    .join("");
}

/**
 * What no single key shows. Each check looks only at parts that are well-formed on their own, so that
 * a fault elsewhere hides none of these.
 */
function crossFaults(raw: unknown): FieldFault[] {
  const region = wellFormed(configShape.shape.region, raw, ["region"]);
  const regions = wellFormed(configShape.shape.cluster.shape.regions, raw, ["cluster", "regions"]);
  const former =
    wellFormed(configShape.shape.cluster.shape.former, raw, ["cluster", "former"]) ?? {};
  const peers = wellFormed(configShape.shape.peers, raw, ["peers"]) ?? {};
  const forward = wellFormed(configShape.shape.forward, raw, ["forward"]) ?? {};
  const tls = wellFormed(z.looseObject({}), raw, ["tls"]);
  const faults: FieldFault[] = [];
  const fault = (path: readonly string[], detail: string): void => {
    faults.push({ pointer: toPointer(path), detail, code: "inconsistent" });
  };

  for (const [peer, url] of Object.entries(tls === undefined ? {} : peers)) {
    if (!url.startsWith("wss:")) fault(["peers", peer], `expected wss://, because tls is set`);
  }
  if (regions !== undefined) {
    const names = Object.keys(regions).join(", ");
    if (region !== undefined && regions[region] === undefined) {
      fault(["region"], `expected one of cluster.regions (${names}), not ${shown(region)}`);
    }
    for (const [key, mapped] of Object.entries({ peers, forward })) {
      for (const name of Object.keys(mapped)) {
        if (regions[name] !== undefined) continue;
        fault([key, name], `expected one of cluster.regions (${names})`);
      }
    }
    const nameByCode = new Map<number, string>();
    for (const [key, mapped] of Object.entries({ regions, former })) {
      for (const [name, code] of Object.entries(mapped)) {
        const earlier = nameByCode.get(code);
        if (earlier === undefined) nameByCode.set(code, name);
        else fault(["cluster", key, name], `code ${code} is already the code of ${earlier}`);
      }
    }
    for (const name of Object.keys(former)) {
      if (regions[name] === undefined) continue;
      fault(["cluster", "former", name], "it has not left: it is in cluster.regions");
    }
  }
  if (region !== undefined && peers[region] !== undefined) {
    fault(["peers", region], "a region is not its own peer");
  }
  if (region !== undefined && forward[region] !== undefined) {
    fault(["forward", region], "a region does not forward to itself");
  }
  return [...faults, ...openListeners(raw), ...sharedAddresses(raw)];
}

/** Whoever reaches an open listener may do everything, so it must not be reached from elsewhere. */
function openListeners(raw: unknown): FieldFault[] {
  const hasAuth = wellFormed(z.looseObject({}), raw, ["auth"]) !== undefined;
  if (hasAuth || wellFormed(z.literal(true), raw, ["insecure"]) !== undefined) return [];
  return ["rest", "admin"].flatMap((name) => {
    const parsed = parseAddress(wellFormed(address, raw, ["listen", name]) ?? "");
    if (parsed === undefined || isLoopback(parsed)) return [];
    const detail =
      "expected a loopback address, because there is no auth and whoever reaches it may do everything; " +
      "set auth, or insecure (--insecure)";
    return [{ pointer: toPointer(["listen", name]), detail, code: "open-listener" }];
  });
}

function sharedAddresses(raw: unknown): FieldFault[] {
  const ownerByAddress = new Map<string, string>();
  const faults: FieldFault[] = [];
  for (const name of ["rest", "admin", "peer"]) {
    const text = wellFormed(address, raw, ["listen", name]);
    if (text === undefined || parseAddress(text)?.port === 0) continue;
    const owner = ownerByAddress.get(text);
    if (owner === undefined) ownerByAddress.set(text, name);
    else {
      const detail = `${text} is already the address of listen.${owner}`;
      faults.push({ pointer: toPointer(["listen", name]), detail, code: "inconsistent" });
    }
  }
  return faults;
}

function wellFormed<T>(shape: z.ZodType<T>, raw: unknown, path: readonly string[]): T | undefined {
  let value: unknown = raw;
  for (const key of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[key];
  }
  if (value === undefined) return undefined;
  const parsed = shape.safeParse(value);
  return parsed.success ? parsed.data : undefined;
}
