/**
 * Where the operator of a drill sits: a context with all regions, `atoll` and `region` on the path, and the
 * addresses and files of the regions in variables that pages may name.
 *
 *     $US $EU $AP               where each answers clients      $US_DATA …   its data directory
 *     $US_ADMIN …               where it answers operators      $US_CONFIG … its configuration
 */
import { writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { stringify } from "yaml";
import { environmentWithoutAtoll } from "@atoll/server";
import type { FaultyCluster } from "../packages/server/faulty-links.fixture.ts";
import { AP, EU, US } from "../packages/server/faulty-links.fixture.ts";

const VARIABLES = { US, EU, AP } as const;

export function operatorEnvironment(scene: {
  readonly cluster: FaultyCluster;
  readonly directory: string;
  /** Where `atoll` and `region` lie. */
  readonly commands: string;
}): Readonly<Record<string, string | undefined>> {
  const { cluster, directory, commands } = scene;
  const contexts = join(directory, "contexts.yaml");
  const members = Object.values(VARIABLES).map((name) => cluster.region(name));
  const regions = Object.fromEntries(
    members.map(({ name, admin, rest }) => [name, { admin, rest }]),
  );
  writeFileSync(contexts, stringify({ current: "drill", contexts: { drill: { regions } } }));
  const inherited = environmentWithoutAtoll();
  const environment: Record<string, string | undefined> = {
    ...inherited,
    ATOLL_CONTEXTS: contexts,
    NO_COLOR: "1",
    PATH: `${commands}${delimiter}${inherited["PATH"] ?? ""}`,
  };
  for (const [variable, name] of Object.entries(VARIABLES)) {
    const region = cluster.region(name);
    environment[variable] = region.rest;
    environment[`${variable}_ADMIN`] = region.admin;
    environment[`${variable}_DATA`] = region.directory;
    environment[`${variable}_CONFIG`] = region.configFile;
  }
  return environment;
}
