import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { contextsPath } from "./config.ts";
import { contextCredential, readContexts, writeContexts } from "./contexts.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "atoll-contexts-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const file = () => join(directory, "below", "contexts.yaml");
const contexts = {
  current: "prod",
  contexts: { prod: { regions: { "eu-west-1": { admin: "http://10.0.0.1:7102" } } } },
};

test("what was written is read, by its owner alone; nothing is written down at first", () => {
  expect(readContexts(file())).toEqual({ contexts: {} });
  writeContexts(file(), contexts);
  expect(readContexts(file())).toEqual(contexts);
  expect(statSync(file()).mode & 0o777).toBe(0o600);
});

test("a token lies in a file of its own, beside the contexts or elsewhere", () => {
  const path = join(directory, "contexts.yaml");
  writeFileSync(join(directory, "prod.token"), "atoll_x_y\n");
  expect(contextCredential(path, { regions: {}, tokenFile: "prod.token" })).toBe("atoll_x_y");
  expect(contextCredential(path, { regions: {} })).toBeUndefined();
  expect(() => contextCredential(path, { regions: {}, tokenFile: "gone" })).toThrow("gone");
});

test.each([
  ["no YAML", "a: [b"],
  ["an unknown key", "contxts: {}"],
  ["a region without a URL", "contexts: { a: { regions: { eu: { rest: http://x } } } }"],
  ["an admin that is no URL", "contexts: { a: { regions: { eu: { admin: 10.0.0.1 } } } }"],
  ["a name that no region has", "contexts: { a: { regions: { EU: { admin: http://x } } } }"],
])("%s is told with the file's name", (_what, text) => {
  const path = join(directory, "contexts.yaml");
  writeFileSync(path, text);
  expect(() => readContexts(path)).toThrow("contexts.yaml cannot be used");
});

test("the file is the one that is named, or of the home directory", () => {
  expect(contextsPath({ ATOLL_CONTEXTS: "/x/y.yaml" })).toBe("/x/y.yaml");
  expect(contextsPath({ XDG_CONFIG_HOME: "/home/a/.cfg" })).toBe(
    "/home/a/.cfg/atoll/contexts.yaml",
  );
  expect(contextsPath({})).toMatch(/\/\.config\/atoll\/contexts\.yaml$/);
});
