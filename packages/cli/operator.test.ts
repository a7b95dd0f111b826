// What an operator does in a split brain, from the first look to the certificate, against three real regions.
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { parse } from "yaml";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { delay, must, systemClock, systemRandom } from "@atoll/core";
import type { LocalCluster } from "@atoll/server";
import { findFreeBasePort, planLocalCluster, startLocalCluster } from "@atoll/server";
import { runCommand } from "./main.ts";
import { OneWayLink } from "./one-way-link.fixture.ts";
import { MemoryTerminal } from "./terminal.ts";

const [US, EU, AP] = ["us-east-1", "eu-west-1", "ap-northeast-1"] as const;
const PATIENCE_MS = 60_000;

let directory: string;
let cluster: LocalCluster;
/** us ⇄ eu, by who dials. */
let links: { readonly ofUs: OneWayLink; readonly ofEu: OneWayLink };
let endpoints: string[];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "atoll-operator-"));
  const dataDir = join(directory, "data");
  const basePort = await findFreeBasePort(systemRandom);
  const { regions } = planLocalCluster({ dataDir, basePort });
  const portOf = (name: string) =>
    must(
      regions.find((each) => each.name === name),
      name,
    ).ports.peer;
  links = { ofUs: await OneWayLink.open(portOf(EU)), ofEu: await OneWayLink.open(portOf(US)) };
  cluster = await startLocalCluster({
    dataDir,
    basePort,
    dialUrl(from, to) {
      if (from === US && to.name === EU) return `ws://127.0.0.1:${links.ofUs.port}`;
      if (from === EU && to.name === US) return `ws://127.0.0.1:${links.ofEu.port}`;
      return to.peer;
    },
  });
  endpoints = ["--endpoint", cluster.regions.map(({ admin }) => admin).join(",")];
}, PATIENCE_MS);

afterAll(async () => {
  await cluster.stop();
  links.ofUs.close();
  links.ofEu.close();
  rmSync(directory, { recursive: true, force: true });
});

async function atoll(...argv: string[]) {
  const terminal = new MemoryTerminal();
  const exitCode = await runCommand([...argv, ...endpoints], terminal);
  return { exitCode, out: terminal.printed.join("\n"), err: terminal.told.join("\n") };
}

async function until(argv: string[], isSo: (answer: { exitCode: number; out: string }) => boolean) {
  const untilMs = systemClock.monotonicMs() + PATIENCE_MS;
  for (;;) {
    const answer = await atoll(...argv);
    if (isSo(answer)) return answer;
    if (systemClock.monotonicMs() > untilMs)
      throw new Error(`never: ${argv.join(" ")}\n${answer.out}`);
    await delay(200);
  }
}

async function put(region: string, id: string, body: object): Promise<void> {
  const { rest } = must(
    cluster.regions.find(({ name }) => name === region),
    region,
  );
  const answer = await fetch(`${rest}/v1/profiles/${id}`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  expect(answer.ok).toBe(true);
}

describe("in a healthy cluster", () => {
  test(
    "every look says so, and convergence is certified",
    async () => {
      await put(US, "ada", { displayName: "Ada" });
      const status = await until(["status"], ({ exitCode }) => exitCode === 0);
      expect(status.out).toContain("All regions are well.");
      expect((await atoll("partition")).out).toContain("Every region hears every other.");
      expect((await atoll("divergence")).exitCode).toBe(0);
      const file = join(directory, "before.json");
      const converged = await atoll(
        "verify",
        "converged",
        "--all",
        "--timeout",
        "60s",
        "--out",
        file,
      );
      expect(converged.out).toContain("shards: 256 of 256 equal");
      expect(converged).toMatchObject({ exitCode: 0 });
      expect((await atoll("verify", "certificate", file)).out).toMatch(
        /^Good: .*3 signatures checked/,
      );
      const keys = join(directory, "keys.json");
      writeFileSync(keys, (await atoll("key", "ls", "-o", "json")).out);
      const alone = new MemoryTerminal();
      const argv = ["verify", "certificate", file, "--keys", keys];
      expect(await runCommand(argv, alone)).toBe(0);
      writeFileSync(file, readFileSync(file, "utf8").replace(/"changes": 1/, '"changes": 2'));
      expect((await atoll("verify", "certificate", file)).exitCode).toBe(3);
    },
    PATIENCE_MS,
  );
});

describe("the README's outage", () => {
  /** As the shell would, with this cluster instead of the one of `npm start`. */
  async function runLine(line: string): Promise<number> {
    const words = line.replace(/ +#.*$/, "").split(" ");
    if (words[0] === "curl") {
      const [us, eu] = cluster.regions;
      const here = line
        .replace("http://127.0.0.1:7101", must(us, US).rest)
        .replace("http://127.0.0.1:7201", must(eu, EU).rest);
      await promisify(execFile)("bash", ["-c", here]);
      return 0;
    }
    expect(words.slice(0, 2)).toEqual(["npx", "atoll"]);
    const argv = words.slice(2).map((word) => {
      return word.endsWith(".json") ? join(directory, word) : word;
    });
    const at = argv.indexOf("--at");
    if (at < 0) return (await atoll(...argv)).exitCode;
    const { admin } = must(
      cluster.regions.find(({ name }) => name === argv[at + 1]),
      "an end",
    );
    argv.splice(at, 2, "--endpoint", admin);
    return runCommand(argv, new MemoryTerminal());
  }

  test(
    "is walked through as it stands",
    async () => {
      const codes: [string, number][] = [];
      for (const line of readmeLines()) {
        codes.push([
          line.split(/ +/).slice(1, 4).join(" ").replace(/ #$/, ""),
          await runLine(line),
        ]);
      }
      expect(codes).toEqual([
        ["atoll peer pause", 0],
        ["-sf -X PATCH", 0],
        ["-sf -X PATCH", 0],
        ["atoll status", 3],
        ["atoll partition", 3],
        ["atoll divergence", 0],
        ["atoll doc compare", 3],
        ["atoll heal preview", 0],
        ["atoll peer resume", 0],
        ["atoll verify converged", 0],
        ["atoll heal report", 0],
        ["atoll verify certificate", 0],
      ]);
    },
    2 * PATIENCE_MS,
  );
});

function readmeLines(): string[] {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  const section = readme.split("\n## For operators: an outage\n")[1] ?? "";
  const script = /```sh\n([\s\S]*?)```/.exec(section)?.[1] ?? "";
  return script.split("\n").filter((line) => line !== "");
}

describe("when one direction of a link is cut", () => {
  test(
    "status names it, and what goes around is not said to wait",
    async () => {
      links.ofUs.cut("out");
      links.ofEu.cut("back");
      const status = await until(["status"], ({ out }) => out.includes(`CUT ${US} → ${EU}`));
      expect(status.exitCode).toBe(3);
      expect(status.out).toContain(`${EU} hears nothing from ${US}`);
      expect(status.out).toContain("Both sides keep serving reads and writes; nothing is lost.");
      expect(status.out).not.toContain("parts"); // both still reach ap-northeast-1
      await put(US, "around", { displayName: "through a third" });
      await until(["status"], ({ out }) => !/\d in /.test(out));
      const partition = await atoll("partition", "-o", "json");
      expect(JSON.parse(partition.out)).toMatchObject({ parts: [[AP, EU, US]] });
    },
    2 * PATIENCE_MS,
  );
});

describe("in a split brain", () => {
  const preview = () => join(directory, "preview.json");

  test(
    "both parts, what waits, and what will merge are told",
    async () => {
      links.ofUs.cut("out", "back");
      links.ofEu.cut("out", "back");
      const eu = must(
        cluster.regions.find(({ name }) => name === EU),
        EU,
      );
      const terminal = new MemoryTerminal();
      expect(await runCommand(["peer", "pause", AP, "--endpoint", eu.admin], terminal)).toBe(0);
      await put(US, "ada", { displayName: "from us" });
      await put(EU, "ada", { displayName: "from eu", bio: "only here" });
      await put(EU, "eve", { displayName: "Eve" });
      const split = `The cluster is in 2 parts: ${AP}, ${US} | ${EU}`;
      const status = await until(
        ["status"],
        ({ out }) =>
          out.includes(split) && out.includes(`2 in ${EU} for ${US}, 1 in ${US} for ${EU}`),
      );
      expect(status.out).toContain(`link ${AP} – ${EU}: PAUSED`);
      expect(status.out).not.toMatch(/choose|side wins/);
      const late = await atoll("verify", "converged", "--timeout", "1s");
      expect(late).toMatchObject({ exitCode: 4 });
      expect(late.out).toContain(`${EU} lacks writes of ${US}`);
      const divergence = await atoll("divergence");
      expect(divergence.out).toContain("0 of 256 shards differ");
      expect(divergence.out).toContain("2 documents; 2 changes in eu-west-1 for us-east-1");
      const doc = await atoll("doc", "compare", "ada");
      expect(doc.exitCode).toBe(3);
      expect(doc.out).toContain(
        'field /displayName: "from us" in us-east-1, "from eu" in eu-west-1',
      );
      const heal = await atoll("heal", "preview", US, EU, "--out", preview());
      expect(heal.exitCode).toBe(0);
      expect(heal.out).toContain(
        "2 profiles differ between us-east-1 and eu-west-1; 1 field in conflict.",
      );
      expect((await atoll("heal", "report", "--since", preview())).exitCode).toBe(3);
      expect((await atoll("repair", US, EU)).out).toContain("not linked now");
    },
    2 * PATIENCE_MS,
  );

  test(
    "the heal does what the preview told, and is proven",
    async () => {
      links.ofUs.heal();
      links.ofEu.heal();
      const eu = must(
        cluster.regions.find(({ name }) => name === EU),
        EU,
      );
      const terminal = new MemoryTerminal();
      expect(await runCommand(["peer", "resume", AP, "--endpoint", eu.admin], terminal)).toBe(0);
      expect((await atoll("verify", "converged", "--all", "--timeout", "60s")).exitCode).toBe(0);
      const report = await atoll("heal", "report", "--since", preview());
      expect(report.out).toMatch(/2 of 2 profiles merged; 1 field as told, 0 settled since/);
      expect(report.exitCode).toBe(0);
      const told = JSON.parse(readFileSync(preview(), "utf8")) as {
        profiles: { profileId: string; conflicts: { values: { value: unknown }[] }[] }[];
      };
      const winner = told.profiles.find(({ profileId }) => profileId === "ada")?.conflicts[0]
        ?.values[0];
      for (const { rest } of cluster.regions) {
        const shown = (await (await fetch(`${rest}/v1/profiles/ada`)).json()) as object;
        expect(shown).toMatchObject({ displayName: winner?.value, bio: "only here" });
      }
      await until(["status"], ({ exitCode }) => exitCode === 0);
      expect((await atoll("repair", US, EU)).out).toContain("compared and equal");
      expect((await atoll("merkle", "diff", US, EU)).out).toContain("0 of 256 shards differ");
      expect((await atoll("doc", "compare", "ada")).exitCode).toBe(0);
      const audit = await atoll("audit", "ls");
      expect(audit.out).toContain(`PUT /admin/v1/peers/${AP}/state paused`);
      expect(audit.out).toContain(`POST /admin/v1/peers/${EU}/compare`);
    },
    2 * PATIENCE_MS,
  );

  test("every other look answers, as a table, as JSON, as lines of it and as YAML", async () => {
    const looks = [
      ["region", "ls"],
      ["region", "show", US],
      ["peer", "ls"],
      ["peer", "lag"],
      ["actor", "ls"],
      ["watch", "--count", "1"],
      ["audit", "ls"],
    ];
    for (const look of looks) {
      const table = await atoll(...look);
      expect([look, table.exitCode, table.out === ""]).toEqual([look, 0, false]);
      expect(() => JSON.parse(table.out) as unknown).toThrow();
      const json = await atoll(...look, "-o", "json");
      expect([look, json.exitCode, typeof JSON.parse(json.out)]).toEqual([look, 0, "object"]);
      const yaml = await atoll(...look, "-o", "yaml");
      expect([look, yaml.exitCode, typeof parse(yaml.out)]).toEqual([look, 0, "object"]);
      const lines = await atoll(...look, "-o", "ndjson");
      for (const line of lines.out.split("\n")) expect(typeof JSON.parse(line)).toBe("object");
    }
    const { rest } = must(cluster.regions[2], AP);
    for (const [verb, told] of [
      ["history", US],
      ["conflicts", `"from us" (${US}`],
    ] as const) {
      const terminal = new MemoryTerminal();
      expect(await runCommand(["profile", verb, "ada", "--endpoint", rest], terminal)).toBe(0);
      expect(terminal.printed.join("\n")).toContain(told);
    }
    const out = join(directory, "bundle.json");
    expect((await atoll("support-bundle", "--out", out)).exitCode).toBe(0);
    expect(readFileSync(out, "utf8")).not.toMatch(/"(ada|eve)"/);
  });
});

describe("when a region is to leave for good", () => {
  const argv = ["region", "decommission", EU];

  test("the plan is shown and nothing is done, and nobody is taken by surprise", async () => {
    const plan = await atoll(...argv, "--dry-run");
    expect(plan).toMatchObject({ exitCode: 0 });
    expect(plan.out).toContain(`until ${US}, ${AP} hold everything`);
    expect((await atoll(...argv)).exitCode).toBe(2); // nobody is here to be asked
    const status = await atoll("status", "-o", "json");
    expect(status.out).not.toContain('"drained": true');
  });

  test("it is refused while somebody is not asked who would have to say that he holds it all", async () => {
    const terminal = new MemoryTerminal();
    const some = cluster.regions.filter(({ name }) => name !== AP).map(({ admin }) => admin);
    const few = [...argv, "--yes", "--endpoint", some.join(",")];
    expect(await runCommand(few, terminal)).toBe(3);
    expect(terminal.printed.join("\n")).toContain(`${AP} does not answer, or was not named`);
    expect((await atoll("status", "-o", "json")).out).not.toContain('"drained": true');
    expect((await atoll("region", "decommission", "mars", "--yes")).err).toContain("called mars");
  });

  test(
    "it is drained, the proof is signed, and what is left to do by hand is told",
    async () => {
      const file = join(directory, "left.json");
      const done = await atoll(...argv, "--yes", "--timeout", "60s", "--out", file);
      expect(done).toMatchObject({ exitCode: 0 });
      expect(done.out).toContain(`${EU} may be stopped: ${US}, ${AP} hold everything`);
      expect(done.out).toContain(`move ${EU}: 2 from cluster.regions to cluster.former`);
      expect((await atoll("verify", "certificate", file)).exitCode).toBe(0);
      expect((await atoll("status")).out).toContain(`${EU} is drained by an operator`);
      expect((await atoll("audit", "ls")).out).toContain("POST /admin/v1/drain");
      expect((await atoll("region", "undrain", EU)).exitCode).toBe(0);
    },
    2 * PATIENCE_MS,
  );

  test("it stays drained, and is not to be stopped, when something is missing elsewhere", async () => {
    const us = must(
      cluster.regions.find(({ name }) => name === US),
      US,
    );
    const pause = ["peer", "pause", EU, AP, "--endpoint", us.admin];
    expect(await runCommand(pause, new MemoryTerminal())).toBe(0);
    await put(EU, "only-here", { displayName: "not in us" });
    const late = await atoll(...argv, "--yes", "--timeout", "1s");
    expect(late).toMatchObject({ exitCode: 4 });
    expect(late.out).toContain(`${US} lacks writes of ${EU}`);
    expect(late.out).toContain(`do not stop ${EU}`);
    expect(late.err).toContain(`${EU} stays drained`);
  });
});
