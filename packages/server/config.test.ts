import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { isAtollError } from "@atoll/core";
import type { RegionName } from "@atoll/core";
import type { Environment } from "./config.ts";
import { configFaultLine, environmentWithoutAtoll, loadRegionConfig } from "./config.ts";
import { localConfigText, planLocalCluster } from "./local-plan.ts";

const directory = mkdtempSync(join(tmpdir(), "atoll-config-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const SECRET = "a secret of more than sixteen characters";
const GOOD = `
region: us-east-1
cluster:
  id: demo
  secret: ${SECRET}
  regions: { us-east-1: 1, eu-west-1: 2 }
data: ./data
listen: { rest: 127.0.0.1:7101, admin: 127.0.0.1:7102, peer: 127.0.0.1:7103 }
peers: { eu-west-1: ws://127.0.0.1:7203 }
`;

function load(text: string, environment: Environment = {}) {
  const file = join(directory, "atoll.yaml");
  writeFileSync(file, text);
  return loadRegionConfig({ file, environment });
}

function faultsOf(text: string, environment: Environment = {}): string[] {
  try {
    load(text, environment);
  } catch (error) {
    if (!isAtollError(error)) throw error;
    expect(error.code).toBe("config-invalid");
    return (error.data.faults ?? []).map(configFaultLine);
  }
  return [];
}

describe("a good file", () => {
  test("gives a configuration with defaults and absolute paths", () => {
    const config = load(GOOD);
    expect(config.region).toEqual({ name: "us-east-1", code: 1 });
    expect(config.cluster.shards).toBe(256);
    expect(config.cluster.regions).toHaveLength(2);
    expect(config.dataDirectory).toBe(join(directory, "data"));
    expect(config.listen.admin).toEqual({ host: "127.0.0.1", port: 7102 });
    expect([...config.peers]).toEqual([["eu-west-1", "ws://127.0.0.1:7203"]]);
    expect(config.forward.size).toBe(0);
    expect(config.schemaFile).toBeUndefined();
    expect(config.logLevel).toBe("info");
  });

  test("may keep the secret in a file beside it", () => {
    writeFileSync(join(directory, "secret"), `${SECRET}\n`);
    const config = load(GOOD.replace(`secret: ${SECRET}`, "secretFile: ./secret"));
    expect(config.cluster.secret).toBe(SECRET);
  });

  test("is what the local cluster writes for each of its regions", () => {
    writeFileSync(join(directory, "cluster-secret"), SECRET);
    const plan = planLocalCluster({ dataDir: directory, basePort: 7100 });
    for (const region of plan.regions) {
      const text = localConfigText(plan, region).replace("../cluster-secret", "cluster-secret");
      expect(faultsOf(text)).toEqual([]);
      expect(load(text).region.name).toBe(region.name);
      expect(load(text).peers.size).toBe(2);
      expect(load(text).forward.size).toBe(2);
    }
  });
});

describe("a bad file", () => {
  test("is told with all its faults at once, each with its path", () => {
    const faults = faultsOf(`
region: us-east-1
cluster: { id: demo, secret: short, shards: 100, regions: { us-east-1: 1, eu-west-1: 1, Mars: 70 } }
data: ./data
listen: { rest: nowhere, admin: 0.0.0.0:7102, pear: 127.0.0.1:7103 }
peers: { us-east-1: ws://127.0.0.1:7103, eu-west-1: http://127.0.0.1:7203, atlantis: ws://a:1 }
forward: { us-east-1: http://u@127.0.0.1:1, eu-west-1: http://127.0.0.1:1/path, atlantis: ws://a:1 }
log: { level: loud }
sharks: 3
`);
    for (const path of [
      "cluster.secret:",
      "cluster.shards:",
      "cluster.regions.Mars:",
      "listen.rest:",
      "listen.admin:",
      "listen.peer: missing",
      "listen.pear: unknown key",
      "peers.eu-west-1:",
      "forward.us-east-1:",
      "forward.eu-west-1:",
      "forward.atlantis:",
      "log.level:",
      "sharks: unknown key",
    ]) {
      expect(faults.filter((line) => line.startsWith(path))).not.toEqual([]);
    }
  });

  test("names those that have left, whose codes stay taken", () => {
    const cluster = `id: demo, secret: ${SECRET}, regions: { us-east-1: 1, eu-west-1: 2 }`;
    const withFormer = (former: string): string => `
region: us-east-1
cluster: { ${cluster}, former: { ${former} } }
data: ./data
listen: { rest: 127.0.0.1:7101, admin: 127.0.0.1:7102, peer: 127.0.0.1:7103 }
peers: { sa-east-1: ws://127.0.0.1:7303 }
`;
    expect(faultsOf(withFormer("sa-east-1: 2, eu-west-1: 4"))).toEqual([
      "peers.sa-east-1: expected one of cluster.regions (us-east-1, eu-west-1)",
      "cluster.former.sa-east-1: code 2 is already the code of eu-west-1",
      "cluster.former.eu-west-1: it has not left: it is in cluster.regions",
    ]);
  });

  test("with parts that fit on their own is told what does not fit together", () => {
    const faults = faultsOf(`
region: mars
cluster: { id: demo, secret: ${SECRET}, regions: { us-east-1: 1, eu-west-1: 1 } }
data: ./data
listen: { rest: 127.0.0.1:7101, admin: 127.0.0.1:7101, peer: 127.0.0.1:7103 }
peers: { mars: ws://127.0.0.1:7103 }
forward: { mars: "http://127.0.0.1:7101", eu-west-1: "https://eu.example" }
`);
    expect(faults).toEqual([
      'region: expected one of cluster.regions (us-east-1, eu-west-1), not "mars"',
      "peers.mars: expected one of cluster.regions (us-east-1, eu-west-1)",
      "forward.mars: expected one of cluster.regions (us-east-1, eu-west-1)",
      "cluster.regions.eu-west-1: code 1 is already the code of us-east-1",
      "peers.mars: a region is not its own peer",
      "forward.mars: a region does not forward to itself",
      "listen.admin: 127.0.0.1:7101 is already the address of listen.rest",
    ]);
  });

  test("never shows the secret", () => {
    expect(faultsOf(GOOD.replace(SECRET, "hunter2")).join()).not.toContain("hunter2");
  });

  test("that is empty names everything that is missing", () => {
    const faults = faultsOf("");
    for (const path of ["region", "cluster.id", "cluster.secret", "cluster.regions", "data"]) {
      expect(faults.some((line) => line.startsWith(`${path}: missing`))).toBe(true);
    }
    expect(faults.filter((line) => line.startsWith("listen."))).toHaveLength(3);
  });

  test.each([
    ["region: [", "not YAML"],
    ["- a\n- b", "a list"],
    ["region: a\nregion: b", "the same key twice"],
  ])("%j (%s) is refused as a whole", (text) => {
    expect(faultsOf(text)).toHaveLength(1);
  });

  test("with both spellings of the secret, or a secret file that is not there, is refused", () => {
    const both = GOOD.replace("  id: demo", "  id: demo\n  secretFile: ./secret");
    expect(faultsOf(both)).toEqual(["cluster.secretFile: either secret or secretFile, not both"]);
    const absent = GOOD.replace(`secret: ${SECRET}`, "secretFile: ./absent");
    expect(faultsOf(absent)).toEqual([
      expect.stringMatching(/^cluster\.secretFile: cannot be read/),
    ]);
  });

  test("with a schema file that is not there is refused", () => {
    expect(faultsOf(`${GOOD}schema: ./absent.json`)).toEqual([
      expect.stringMatching(/^schema: cannot be read/),
    ]);
  });
});

describe("the environment", () => {
  test("wins over the file, and the file over the default", () => {
    const environment = { ATOLL_LOG_LEVEL: "debug", ATOLL_LISTEN_REST: "127.0.0.1:9000" };
    const config = load(`${GOOD}log: { level: warn }`, environment);
    expect(config.logLevel).toBe("debug");
    expect(config.listen.rest.port).toBe(9000);
    expect(config.listen.peer.port).toBe(7103);
    expect(load(`${GOOD}log: { level: warn }`).logLevel).toBe("warn");
  });

  test("suffices without a file", () => {
    const config = loadRegionConfig({
      environment: {
        ATOLL_REGION: "eu-west-1",
        ATOLL_CLUSTER_ID: "demo",
        ATOLL_CLUSTER_SECRET: SECRET,
        ATOLL_CLUSTER_SHARDS: "16",
        ATOLL_CLUSTER_REGIONS: "us-east-1=1, eu-west-1=2",
        ATOLL_DATA: "/var/lib/atoll",
        ATOLL_LISTEN_REST: "0.0.0.0:8080",
        ATOLL_LISTEN_ADMIN: "[::1]:8081",
        ATOLL_LISTEN_PEER: "0.0.0.0:8082",
        ATOLL_PEERS: "us-east-1=wss://us.example:8082",
        ATOLL_FORWARD: "us-east-1=https://us.example",
        ATOLL_AUTH_KEYS: "/etc/atoll/keys.yaml",
      },
    });
    expect(config.region.code).toBe(2);
    expect(config.auth?.keysFile).toBe("/etc/atoll/keys.yaml");
    expect(config.cluster.shards).toBe(16);
    expect(config.dataDirectory).toBe("/var/lib/atoll");
    expect(config.listen.admin.host).toBe("::1");
    expect(config.peers.size).toBe(1);
    expect(config.forward.get("us-east-1" as RegionName)?.href).toBe("https://us.example/");
  });

  test("may open a listener to others only with auth, or by declaring that it is insecure", () => {
    const wide = { ATOLL_LISTEN_REST: "0.0.0.0:7101" };
    expect(() => load(GOOD, wide)).toThrow("1 fault");
    expect(load(GOOD, { ...wide, ATOLL_INSECURE: "true" }).listen.rest.host).toBe("0.0.0.0");
    expect(load(GOOD, { ...wide, ATOLL_AUTH_KEYS: "k.yaml" }).auth?.keysFile).toMatch(/k\.yaml$/);
    expect(() => load(GOOD, { ...wide, ATOLL_INSECURE: "yes" })).toThrow("fault");
  });

  test("replaces the secret of the file in either spelling", () => {
    writeFileSync(join(directory, "other"), "another secret of many characters");
    const environment = { ATOLL_CLUSTER_SECRET_FILE: join(directory, "other") };
    expect(load(GOOD, environment).cluster.secret).toBe("another secret of many characters");
  });

  test("is named when the fault is its own", () => {
    const faults = faultsOf(GOOD, { ATOLL_CLUSTER_SHARDS: "many", ATOLL_PEERS: "eu-west-1" });
    expect(faults).toEqual([
      expect.stringMatching(/^cluster\.shards: .*\(from ATOLL_CLUSTER_SHARDS\)$/),
      expect.stringMatching(/^peers: .*\(from ATOLL_PEERS\)$/),
    ]);
  });

  test("with a misspelt variable is refused, but not for what Kubernetes sets", () => {
    expect(faultsOf(GOOD, { ATOLL_LISTN_REST: "127.0.0.1:1" })).toEqual([
      expect.stringMatching(/^ATOLL_LISTN_REST: unknown variable/),
    ]);
    const kubernetes = {
      ATOLL_SERVICE_HOST: "10.0.0.1",
      ATOLL_SERVICE_PORT_REST: "7101",
      ATOLL_PORT: "tcp://10.0.0.1:7101",
      ATOLL_PEER_PORT_7103_TCP_ADDR: "10.0.0.1",
    };
    expect(faultsOf(GOOD, kubernetes)).toEqual([]);
  });

  test("of a child that has a file of its own holds no ATOLL_ variable", () => {
    const environment = { PATH: "/bin", ATOLL_REGION: "mars" };
    expect(environmentWithoutAtoll(environment)).toEqual({ PATH: "/bin" });
  });
});
