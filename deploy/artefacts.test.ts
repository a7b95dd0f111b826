// No engine runs any of this here. What can be known without one is checked: that it parses, that every flag,
// variable, port and path in it is one that the product has, and that the regions it describes would start.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { REGION_NODE_OPTIONS } from "@atoll/core";
import { configVariables, loadRegionConfig } from "@atoll/server";
import { configFaults } from "../packages/server/config-schema.ts";

const here = import.meta.dirname;
// The validator that profiles are checked with: a dependency of that package, and of no other.
const { Ajv } = createRequire(join(here, "../packages/profile/schema-check.ts"))("ajv") as {
  readonly Ajv: new (options: object) => { compile(schema: object): Validate };
};

type Validate = ((value: unknown) => boolean) & { readonly errors?: unknown };
const read = (path: string): string => readFileSync(join(here, path), "utf8");

/** Of the command itself, not of a region's configuration. */
const COMMAND_VARIABLES = ["ATOLL_CONFIG"];
const KNOWN = new Set([...configVariables().map(({ name }) => name), ...COMMAND_VARIABLES]);

interface Compose {
  readonly services: Readonly<
    Record<
      string,
      {
        readonly environment?: Readonly<Record<string, string>>;
        readonly volumes?: readonly string[];
        readonly entrypoint?: readonly string[];
      }
    >
  >;
}

const files = readdirSync(here, { recursive: true, encoding: "utf8" });
const templates = files.filter((path) => path.startsWith("helm/atoll/templates/"));

test("every YAML file parses, with no key twice", () => {
  const yaml = files.filter((path) => path.endsWith(".yaml") && !templates.includes(path));
  expect(yaml.length).toBeGreaterThan(10);
  for (const path of yaml) {
    const errors = parseAllDocuments(read(path), { merge: true }).flatMap((each) =>
      "errors" in each ? each.errors : [],
    );
    expect(errors, path).toEqual([]);
  }
});

test("every variable that is set is one that a region or the command reads", () => {
  const wrong = files
    .filter((path) => /Dockerfile$|compose\.yaml$|\.service$|templates\//.test(path))
    .filter((path) => /\.[a-z]+$|Dockerfile$/.test(path))
    .flatMap((path) => [...read(path).matchAll(/\bATOLL_[A-Z_]+[A-Z]\b/g)].map(([name]) => name))
    .filter((name) => !KNOWN.has(name));
  expect(wrong).toEqual([]);
});

test("Node is told the same of its memory wherever a region is started", () => {
  const options = `NODE_OPTIONS=${REGION_NODE_OPTIONS.join(" ")}`;
  for (const path of ["docker/Dockerfile", "systemd/atoll.service"]) {
    expect(read(path), path).toContain(options);
  }
  expect(read("../packages/cli/bin/atoll.mjs")).toContain(REGION_NODE_OPTIONS.join(" "));
});

describe("compose", () => {
  const { services } = parse(read("compose/compose.yaml"), { merge: true }) as Compose;
  const regions = Object.entries(services).filter(
    ([, { environment }]) => environment?.["ATOLL_REGION"],
  );

  test("has three regions whose variables are a configuration", () => {
    expect(regions).toHaveLength(3);
    for (const [name, { environment = {} }] of regions) {
      const image = Object.fromEntries(
        [...read("docker/Dockerfile").matchAll(/\b(ATOLL_[A-Z_]+)=(\S+)/g)].map(
          ([, key = "", value = ""]) => [key, value] as const,
        ),
      );
      const config = loadRegionConfig({ environment: { ...image, ...environment } });
      expect(config.region.name).toBe(name);
      expect(config.peers.size).toBe(2);
      expect(config.forward.size).toBe(2);
    }
  });

  test("dials every region through a link that goes to it, each way as slow as the other", () => {
    const links = new Map(
      (services["links"]?.entrypoint ?? []).flatMap((text) => {
        const [, port, target, delay] = /^(\d+)=([a-z0-9-]+):7103,(\d+)$/.exec(text) ?? [];
        return port === undefined ? [] : [[port, { target, delay }] as const];
      }),
    );
    const delays = new Map<string, Set<string | undefined>>();
    for (const [name, { environment = {} }] of regions) {
      for (const [, peer, port] of environment["ATOLL_PEERS"]?.matchAll(
        /([a-z0-9-]+)=ws:\/\/links:(\d+)/g,
      ) ?? []) {
        const link = links.get(port ?? "");
        expect(link?.target).toBe(peer);
        const pair = [name, peer].sort().join(" ");
        delays.set(pair, (delays.get(pair) ?? new Set()).add(link?.delay));
      }
    }
    expect([...delays.values()].map(({ size }) => size)).toEqual([1, 1, 1]);
    expect(links.size).toBe(6);
  });

  test("mounts what is there", () => {
    const mounted = Object.values(services)
      .flatMap(({ volumes = [] }) => volumes)
      .map((volume) => volume.split(":")[0] ?? "")
      .filter((source) => source.startsWith("."));
    expect(mounted.filter((source) => !existsSync(resolve(here, "compose", source)))).toEqual([]);
  });
});

describe("the chart", () => {
  const values = parse(read("helm/atoll/values.yaml")) as Record<string, unknown> & {
    readonly regions: readonly { readonly name: string }[];
    readonly config: { readonly cluster: { readonly regions: Readonly<Record<string, number>> } };
  };
  const schema = JSON.parse(read("helm/atoll/values.schema.json")) as Record<string, unknown>;

  test("has values that its schema allows, and a schema that refuses what is wrong", () => {
    const validate = new Ajv({ strict: false }).compile(schema);
    expect(validate(values), JSON.stringify(validate.errors)).toBe(true);
    for (const wrong of [
      { ...values, replicas: 3 },
      { ...values, regions: [] },
      { ...values, regions: [{ name: "US East" }] },
      { ...values, config: { ...values.config, listen: {} } },
      { ...values, storage: { size: "a lot" } },
      { ...values, terminationGracePeriodSeconds: 1 },
    ]) {
      expect(validate(wrong), JSON.stringify(wrong)).toBe(false);
    }
  });

  test("gives every region a configuration that it would start with", () => {
    for (const { name } of values.regions) {
      const others = values.regions.filter((region) => region.name !== name);
      const config = {
        ...values.config,
        cluster: { ...values.config.cluster, secret: "as the Secret holds it" },
        region: name,
        data: "/var/lib/atoll",
        listen: { rest: "0.0.0.0:7101", admin: "0.0.0.0:7102", peer: "0.0.0.0:7103" },
        peers: Object.fromEntries(
          others.map((other) => [other.name, `ws://r-${other.name}-peer:7103`]),
        ),
      };
      expect(configFaults({ ...config, insecure: true })).toEqual([]);
      // Open to whoever reaches it: the region says so, unless keys or `insecure` are given.
      expect(configFaults(config).map(({ code }) => code)).toContain("open-listener");
    }
  });

  test("reads only values that there are", () => {
    const wrong = templates
      .filter((path) => /\.(yaml|tpl|txt)$/.test(path))
      .flatMap((path) =>
        [...read(path).matchAll(/\.Values\.([A-Za-z.]+)/g)]
          .map(([, at = ""]) => at.replace(/\.$/, ""))
          .filter((at) => valueAt(values, at) === undefined)
          .map((at) => `${path}: ${at}`),
      );
    expect(wrong).toEqual([]);
  });

  test("closes every block that it opens, and is YAML around them", () => {
    for (const path of templates.filter((each) => each.endsWith(".yaml"))) {
      const actions = [...read(path).matchAll(/\{\{-?\s*(\w+)/g)].map(([, word]) => word);
      const opened = actions.filter((word) =>
        ["if", "range", "with", "define"].includes(word ?? ""),
      );
      expect(
        actions.filter((word) => word === "end"),
        path,
      ).toHaveLength(opened.length);
      const skeleton = read(path)
        .replace(/^\s*\{\{.*\}\}\s*$/gm, "")
        .replace(/\{\{.*?\}\}/g, "x");
      const errors = parseAllDocuments(skeleton, { uniqueKeys: false }).flatMap((each) =>
        "errors" in each ? each.errors : [],
      );
      expect(errors, path).toEqual([]);
    }
  });
});

test("Chaos Mesh aims at regions of the cluster, and every fault ends by itself", () => {
  const names = ["us-east-1", "eu-west-1", "ap-northeast-1"];
  for (const path of files.filter(
    (each) => each.startsWith("chaos-mesh/") && each.endsWith(".yaml"),
  )) {
    for (const document of parseAllDocuments(read(path))) {
      const fault = document.toJS() as {
        apiVersion: string;
        kind: string;
        spec: { duration?: string; schedule?: string };
      };
      expect(fault.apiVersion).toBe("chaos-mesh.org/v1alpha1");
      expect(["NetworkChaos", "Schedule", "TimeChaos", "IOChaos"]).toContain(fault.kind);
      expect(fault.spec.duration ?? fault.spec.schedule, path).toBeDefined();
      const aimed = [...JSON.stringify(fault).matchAll(/"(?:us|eu|ap)-[a-z]+-\d"/g)].map(
        ([name]) => JSON.parse(name) as string,
      );
      expect(aimed.filter((name) => !names.includes(name))).toEqual([]);
    }
  }
});

function valueAt(values: unknown, path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], values);
}
