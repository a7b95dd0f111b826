/**
 * A configuration from the environment: which variable stands for which key, and how its text is read.
 *
 * What is found is put into the tree that the file made, before anything is judged, so that a wrong
 * variable is found by the same checks as a wrong key, and told by its own name.
 */
import type { FieldFault } from "@atoll/core";
import { toPointer } from "./config-schema.ts";

export type Environment = Readonly<Record<string, string | undefined>>;
export type Tree = Record<string, unknown>;

type Form = "text" | "number" | "mapping" | "flag";

/** Which variable stands for which key. Mappings are written `name=value,name=value`. */
const KEY_BY_VARIABLE: Readonly<
  Record<string, { readonly path: readonly string[]; readonly form: Form }>
> = {
  ATOLL_REGION: { path: ["region"], form: "text" },
  ATOLL_CLUSTER_ID: { path: ["cluster", "id"], form: "text" },
  ATOLL_CLUSTER_SECRET: { path: ["cluster", "secret"], form: "text" },
  ATOLL_CLUSTER_SECRET_FILE: { path: ["cluster", "secretFile"], form: "text" },
  ATOLL_CLUSTER_SHARDS: { path: ["cluster", "shards"], form: "number" },
  ATOLL_CLUSTER_REGIONS: { path: ["cluster", "regions"], form: "mapping" },
  ATOLL_CLUSTER_FORMER: { path: ["cluster", "former"], form: "mapping" },
  ATOLL_DATA: { path: ["data"], form: "text" },
  ATOLL_LISTEN_REST: { path: ["listen", "rest"], form: "text" },
  ATOLL_LISTEN_ADMIN: { path: ["listen", "admin"], form: "text" },
  ATOLL_LISTEN_PEER: { path: ["listen", "peer"], form: "text" },
  ATOLL_PEERS: { path: ["peers"], form: "mapping" },
  ATOLL_DISCOVERY_DNS_SRV: { path: ["discovery", "dns", "srv"], form: "text" },
  ATOLL_DISCOVERY_DNS_NAME: { path: ["discovery", "dns", "name"], form: "text" },
  ATOLL_DISCOVERY_DNS_PORT: { path: ["discovery", "dns", "port"], form: "number" },
  ATOLL_FORWARD: { path: ["forward"], form: "mapping" },
  ATOLL_TLS_CA: { path: ["tls", "ca"], form: "text" },
  ATOLL_TLS_CERT: { path: ["tls", "cert"], form: "text" },
  ATOLL_TLS_KEY: { path: ["tls", "key"], form: "text" },
  ATOLL_SCHEMA: { path: ["schema"], form: "text" },
  ATOLL_AUTH_KEYS: { path: ["auth", "keys"], form: "text" },
  ATOLL_AUTH_JWT_ISSUER: { path: ["auth", "jwt", "issuer"], form: "text" },
  ATOLL_AUTH_JWT_AUDIENCE: { path: ["auth", "jwt", "audience"], form: "text" },
  ATOLL_AUTH_JWT_JWKS: { path: ["auth", "jwt", "jwks"], form: "text" },
  ATOLL_GATEWAY_WORKERS: { path: ["gateway", "workers"], form: "number" },
  ATOLL_LOG_REQUESTS: { path: ["log", "requests"], form: "flag" },
  ATOLL_INSECURE: { path: ["insecure"], form: "flag" },
  ATOLL_RETENTION_AGE: { path: ["retention", "age"], form: "text" },
  ATOLL_RETENTION_BYTES: { path: ["retention", "bytes"], form: "text" },
  ATOLL_RETENTION_DEAD_PEER_AFTER: { path: ["retention", "deadPeerAfter"], form: "text" },
  ATOLL_CANARY_ENABLED: { path: ["canary", "enabled"], form: "flag" },
  ATOLL_TRACING_ENDPOINT: { path: ["tracing", "endpoint"], form: "text" },
  ATOLL_TRACING_SAMPLE: { path: ["tracing", "sample"], form: "number" },
  ATOLL_LOG_LEVEL: { path: ["log", "level"], form: "text" },
};

/** Every variable that sets a key, with the key it sets. */
export function configVariables(): { readonly name: string; readonly key: string }[] {
  return Object.entries(KEY_BY_VARIABLE).map(([name, { path }]) => ({ name, key: path.join(".") }));
}

/** Variables that say how the command talks, not what a region is. */
const COMMAND_VARIABLES = ["ATOLL_CONFIG", "ATOLL_CONTEXTS", "ATOLL_DEBUG", "ATOLL_TOKEN"];

/** Kubernetes sets these in every container for a Service whose name begins with "atoll". */
const SET_BY_KUBERNETES = /^ATOLL_(?:[A-Z0-9]+_)*(?:SERVICE_HOST|SERVICE_PORT|PORT)(?:_|$)/;

/** Puts what the variables say into the tree, over what is there. */
export function applyEnvironment(tree: Tree, environment: Environment, faults: FieldFault[]): void {
  for (const [variable, text] of Object.entries(environment)) {
    if (!variable.startsWith("ATOLL_") || text === undefined) continue;
    if (COMMAND_VARIABLES.includes(variable) || SET_BY_KUBERNETES.test(variable)) continue;
    const key = KEY_BY_VARIABLE[variable];
    if (key === undefined) {
      faults.push({
        pointer: toPointer([variable]),
        detail: `unknown variable; known are ${Object.keys(KEY_BY_VARIABLE).join(", ")}`,
        code: "unknown-key",
      });
      continue;
    }
    // The two spellings of the secret exclude each other, so the variable replaces both.
    if (variable.startsWith("ATOLL_CLUSTER_SECRET")) {
      const other = key.path[1] === "secret" ? "secretFile" : "secret";
      if (environment[KEY_OTHER_SECRET[variable] ?? ""] === undefined)
        setAt(tree, ["cluster", other], undefined);
    }
    setAt(tree, key.path, fromText(text, key.form));
  }
}

const KEY_OTHER_SECRET: Readonly<Record<string, string>> = {
  ATOLL_CLUSTER_SECRET: "ATOLL_CLUSTER_SECRET_FILE",
  ATOLL_CLUSTER_SECRET_FILE: "ATOLL_CLUSTER_SECRET",
};

/** What is not of the form stays text, and the shape then says what was expected. */
function fromText(text: string, form: Form): unknown {
  if (form === "text") return text;
  if (form === "flag")
    return text === "true" || text === "1" ? true : text === "false" ? false : text;
  if (form === "number") return numberOrText(text);
  const pairs = text.split(",").filter((pair) => pair.trim() !== "");
  const entries = pairs.map((pair) => {
    const at = pair.indexOf("=");
    return at < 0 ? undefined : [pair.slice(0, at).trim(), numberOrText(pair.slice(at + 1).trim())];
  });
  return entries.includes(undefined)
    ? text
    : Object.fromEntries(entries.filter((entry) => entry !== undefined));
}

function numberOrText(text: string): number | string {
  return /^\d{1,15}(\.\d{1,9})?$/.test(text) ? Number(text) : text;
}

function setAt(tree: Tree, path: readonly string[], value: unknown): void {
  const [key, ...rest] = path;
  if (key === undefined) return;
  if (rest.length === 0) {
    if (value === undefined) delete tree[key];
    else tree[key] = value;
    return;
  }
  const inner = tree[key];
  const isMapping = typeof inner === "object" && inner !== null && !Array.isArray(inner);
  if (!isMapping && inner !== undefined) return; // a fault of the file, which the shape will name
  const branch: Tree = isMapping ? (inner as Tree) : {};
  tree[key] = branch;
  setAt(branch, rest, value);
}

/** The file is innocent of what the environment said. */
export function namingVariable(fault: FieldFault, environment: Environment): FieldFault {
  const source = Object.entries(KEY_BY_VARIABLE).find(([variable, { path }]) => {
    const pointer = toPointer(path);
    const isInside = fault.pointer === pointer || fault.pointer.startsWith(`${pointer}/`);
    return environment[variable] !== undefined && isInside;
  });
  return source === undefined ? fault : { ...fault, detail: `${fault.detail} (from ${source[0]})` };
}
