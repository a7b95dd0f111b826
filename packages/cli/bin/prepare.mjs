#!/usr/bin/env node
// Installs what is missing, before `npm start`, `npm test` and `npm run demo`.
//
// A fresh clone should need one command, and a clone that was pulled should not run against the
// dependencies of last month. When all is there this costs two looks at the disk.
// Plain JavaScript for Node 20 and built-in modules only: nothing is installed yet.
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = process.argv[2] ?? fileURLToPath(new URL("../../..", import.meta.url));
const reason = whyInstall();
if (reason !== undefined) install(reason);

function whyInstall() {
  if (!existsSync(join(root, "node_modules"))) return "nothing is installed yet";
  // npm writes this copy of the lock file when it has finished, and only then.
  const installedMs = modifiedMs(join(root, "node_modules", ".package-lock.json"));
  if (installedMs === undefined) return "an installation was not finished";
  const lockedMs = modifiedMs(join(root, "package-lock.json"));
  if (lockedMs !== undefined && lockedMs > installedMs) return "package-lock.json is newer";
  return undefined;
}

function modifiedMs(file) {
  return existsSync(file) ? statSync(file).mtimeMs : undefined;
}

function install(why) {
  process.stderr.write(`atoll: ${why}; running npm ci in ${root} (about a minute, once)\n`);
  const { status, error } = spawnSync(
    "npm",
    ["ci", "--no-audit", "--no-fund", "--loglevel=error"],
    {
      cwd: root,
      stdio: ["ignore", 2, 2], // standard output belongs to the command that follows
      shell: process.platform === "win32",
    },
  );
  if (status === 0) return;
  const cause =
    error === undefined ? `ended with exit code ${status}` : `cannot run: ${error.message}`;
  process.stderr.write(
    `atoll: npm ci ${cause}. Check the network and the registry (npm config get registry), ` +
      "then run npm ci by hand to see more.\n",
  );
  process.exit(1);
}
