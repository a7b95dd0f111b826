#!/usr/bin/env node
// The command `atoll`, whatever Node the machine has.
//
// Atoll's sources are TypeScript that Node runs directly, which Node does from 24.12 on. An older Node
// starts the runtime that was installed as a dependency, hands everything through, and ends as it ends.
// Plain JavaScript for Node 20, and nothing imported that Node 20 could not load.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import * as modules from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const CACHE = "../../../node_modules/.cache/atoll";
/** As `core/region-process.ts` has it. */
const NURSERY = "--max-semi-space-size=8";
const FORWARDED = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR2"];

if (runsTypeScript(process.versions.node)) {
  // Halves the time to the first word. Beside the sources and not in the system's temporary directory, where
  // others could leave code for us; where nothing may be written there is no cache.
  modules.enableCompileCache(fileURLToPath(new URL(CACHE, import.meta.url)));
  const { run } = await import("../main.ts");
  await run(process.argv.slice(2));
} else {
  const runtime = pinnedRuntime();
  if (runtime === undefined) {
    process.stderr.write(
      `atoll: Node ${process.versions.node} cannot run it, and the runtime that comes with it is not ` +
        "installed. Run `npm ci` in Atoll's directory.\n",
    );
    process.exit(1);
  }
  runOn(runtime);
}

function runsTypeScript(version) {
  const [major, minor] = version.split(".").map(Number);
  return major > 24 || (major === 24 && minor >= 12);
}

function pinnedRuntime() {
  try {
    const manifest = modules.createRequire(import.meta.url).resolve("node/package.json");
    const runtime = join(
      dirname(manifest),
      "bin",
      process.platform === "win32" ? "node.exe" : "node",
    );
    return existsSync(runtime) ? runtime : undefined;
  } catch {
    return undefined;
  }
}

function runOn(runtime) {
  // The channel lets the command notice when this process is killed and cannot say so.
  const child = spawn(
    runtime,
    [NURSERY, fileURLToPath(import.meta.url), ...process.argv.slice(2)],
    {
      stdio: ["inherit", "inherit", "inherit", "ipc"],
    },
  );
  for (const signal of FORWARDED) process.on(signal, () => child.kill(signal));
  if (process.channel !== undefined) process.on("disconnect", () => child.kill("SIGTERM"));
  child.once("error", (error) => {
    process.stderr.write(`atoll: ${runtime} cannot be started: ${error.message}\n`);
    process.exit(1);
  });
  child.once("exit", (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    for (const forwarded of FORWARDED) process.removeAllListeners(forwarded);
    process.kill(process.pid, signal);
  });
}
