// The repository's own rules: boundaries, not taste. What may import what, and which file alone may
// touch the clock, chance, Automerge, SQL and the environment. Each rule says why in its failure.
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, test } from "vitest";

const root = import.meta.dirname;

/** Rooms and the rooms that each may import. Tests may also use what `TESTS_MAY` adds. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  core: [],
  profile: ["core"],
  store: ["core"],
  sync: ["core"],
  replica: ["store", "sync", "profile", "core"],
  gateway: ["profile", "core"],
  server: ["gateway", "replica", "store", "sync", "profile", "core"],
  cli: ["server", "core"],
  simulation: ["replica", "store", "sync", "profile", "core"],
  // Looks from outside: real processes and HTTP. The workload and the checkers are the simulator's.
  chaos: ["simulation", "core"],
  // Measures them all.
  bench: ["core", "profile", "store", "sync", "replica", "gateway", "server"],
  // Knocks at all doors.
  fuzz: ["core", "profile", "store", "sync", "replica", "gateway", "server"],
};

interface Source {
  readonly path: string;
  readonly room: string;
  readonly isTest: boolean;
  readonly code: string;
  readonly imports: readonly string[];
}

/** Doors of a package that are meant for everybody who may import it, where not all of it is. */
const CHAOS_MAY = ["@atoll/simulation/workload", "@atoll/simulation/checkers", "@atoll/core"];

const sources = ["packages", "chaos"]
  .flatMap((directory) => [...typescriptFiles(join(root, directory))])
  .map(readSource);
const production = sources.filter(({ isTest }) => !isTest);

describe("imports", () => {
  test("follow the arrows between rooms", () => {
    const wrong = sources.flatMap(({ path, room, imports }) =>
      imports
        .map((name) => /^@atoll\/([a-z-]+)/.exec(name)?.[1])
        .filter((target) => target !== undefined)
        .filter((target) => target !== room && !(ARROWS[room] ?? []).includes(target))
        .map((target) => `${path} imports ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  test("cross rooms only through a package's name, never by path", () => {
    const wrong = sources.flatMap(({ path, room, imports }) =>
      imports
        .filter((name) => name.startsWith("."))
        .filter((name) => roomOf(resolve(root, dirname(path), name)) !== room)
        // chaos is no package; its links that fail are the only ones, for tests of real regions too.
        .filter((name) => !(isFixture(path) && name.endsWith("/chaos/network/link-proxy.ts")))
        .map((name) => `${path} imports ${name}`),
    );
    expect(wrong).toEqual([]);
  });

  test("of chaos are the workload, the checkers and the vocabulary: the rest it learns by HTTP", () => {
    const wrong = sources
      .filter(({ room }) => room === "chaos")
      .flatMap(({ path, imports }) =>
        imports
          .filter((name) => name.startsWith("@atoll/") && !CHAOS_MAY.includes(name))
          .map((name) => `${path} imports ${name}`),
      );
    expect(wrong).toEqual([]);
  });

  test("of packages are declared by the room that uses them", () => {
    const packaged = production.filter(({ room }) => room !== "chaos");
    const wrong = packaged.flatMap(({ path, room, imports }) => {
      const declared = dependenciesOf(room);
      return imports
        .filter((name) => !name.startsWith(".") && !name.startsWith("node:"))
        .map((name) => name.split("/", name.startsWith("@") ? 2 : 1).join("/"))
        .filter((name) => name !== `@atoll/${room}` && !declared.has(name))
        .map((name) => `${path} imports ${name}, which packages/${room}/package.json lacks`);
    });
    expect([...new Set(wrong)]).toEqual([]);
  });

  test("make no cycles", () => {
    expect(findCycle()).toBeUndefined();
  });
});

describe("doors", () => {
  test("time is read in core/clock.ts alone", () => {
    expectOnlyIn(/\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b/, ["packages/core/clock.ts"]);
    expectOnlyIn(/(?<![.\w])(setTimeout|setInterval|setImmediate)\(/, ["packages/core/clock.ts"]);
    expectOnlyIn(/node:timers/, []);
  });

  test("chance is drawn in core/random.ts alone", () => {
    expectOnlyIn(/Math\.random|randomBytes|randomUUID|randomInt|getRandomValues/, [
      "packages/core/random.ts",
      "packages/simulation/trap.ts", // where they are made to throw
    ]);
  });

  test("Automerge is imported by profile/document.ts alone", () => {
    // The yardstick measures Automerge's own sync protocol, which is no part of a document here.
    expectImportedOnlyIn(
      /^@automerge\//,
      /^packages\/(profile\/document|bench\/automerge-yardstick)\.ts$/,
    );
  });

  test("SQL lives in store alone", () => {
    expectImportedOnlyIn(/^better-sqlite3/, /^packages\/store\//);
    const sql = /`\s*(SELECT|INSERT|UPDATE|DELETE|CREATE TABLE|PRAGMA)\b/;
    const wrong = production.filter(({ room, code }) => room !== "store" && sql.test(code));
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });

  test("the environment is read in server/config.ts alone", () => {
    expectOnlyIn(/process\.env\b/, ["packages/server/config.ts"]);
  });

  test("sockets are opened by sync's transport, the gateway, the server, the command, benches and chaos", () => {
    expectImportedOnlyIn(/^ws$/, /^packages\/sync\/websocket-transport\.ts$/);
    expectImportedOnlyIn(
      /^node:(net|http|https|tls|dgram)$/,
      /^(packages\/(sync\/websocket-transport\.ts|gateway\/|server\/|cli\/|bench\/(http-|crash-disk|slow-link)|fuzz\/target-rest\.ts)|chaos\/)/,
    );
  });
});

describe("files", () => {
  test("open with a comment that says why they exist", () => {
    const wrong = sources.filter(
      ({ code, isTest }) => !isTest && !/^(#!.*\n)?(\/\*\*|\/\/)/.test(code),
    );
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });

  test("are not named after nothing", () => {
    const wrong = sources.filter(({ path }) =>
      /\/(utils?|helpers?|common|misc|types)\.ts$/.test(path),
    );
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });
});

function expectOnlyIn(pattern: RegExp, allowed: readonly string[]): void {
  const found = sources.filter(({ code }) => pattern.test(withoutComments(code)));
  const wrong = found.map(({ path }) => path).filter((path) => !allowed.includes(path));
  expect(wrong).toEqual([]);
}

function expectImportedOnlyIn(name: RegExp, allowed: RegExp): void {
  const found = production.filter(({ imports }) => imports.some((imported) => name.test(imported)));
  expect(found.map(({ path }) => path).filter((path) => !allowed.test(path))).toEqual([]);
}

function findCycle(): string[] | undefined {
  const importsByPath = new Map(
    sources.map(({ path, imports }) => [
      path,
      imports
        .filter((name) => name.startsWith("."))
        .map((name) => relative(root, resolve(root, dirname(path), name))),
    ]),
  );
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): string[] | undefined => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path];
    if (done.has(path)) return undefined;
    for (const next of importsByPath.get(path) ?? []) {
      const cycle = visit(next, [...trail, path]);
      if (cycle !== undefined) return cycle;
    }
    done.add(path);
    return undefined;
  };
  for (const path of importsByPath.keys()) {
    const cycle = visit(path, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

function dependenciesOf(room: string): Set<string> {
  const text = readFileSync(join(root, "packages", room, "package.json"), "utf8");
  const { dependencies = {} } = JSON.parse(text) as { dependencies?: Record<string, string> };
  return new Set(Object.keys(dependencies));
}

function readSource(file: string): Source {
  const path = relative(root, file);
  const code = readFileSync(file, "utf8");
  const matches = withoutComments(code).matchAll(
    /^(?:import|export)\b[^;]*?from\s+"([^"]+)"|import\("([^"]+)"\)|^import "([^"]+)"/gms,
  );
  const imports = [...matches].map((match) => match[1] ?? match[2] ?? match[3] ?? "");
  const isTest = /\.(test|conformance|fixture)\.ts$|(^|\/)fake-[a-z-]+\.ts$/.test(path);
  return { path, room: roomOf(file), isTest, code, imports };
}

function isFixture(path: string): boolean {
  return path.endsWith(".fixture.ts");
}

function roomOf(file: string): string {
  const [first = "", second = ""] = relative(root, file).split("/");
  return first === "packages" ? second : first;
}

function withoutComments(code: string): string {
  return code.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "$1");
}

function* typescriptFiles(directory: string): Generator<string> {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory() && entry.name !== "node_modules" && entry.name !== "data") {
      yield* typescriptFiles(path);
    } else if (entry.isFile() && entry.name.endsWith(".ts") && !entry.name.endsWith(".d.ts")) {
      yield path;
    }
  }
}
