/**
 * One block as a person would type it: bash, `atoll` and `region` on the path, the addresses of the regions in
 * variables. A block that hangs is ended with all that it started.
 */
import { spawn } from "node:child_process";
import { systemClock } from "@atoll/core";

export interface ShellRun {
  readonly exitCode: number | undefined;
  /** What it printed and what it told, as a terminal shows both. */
  readonly output: string;
}

export interface ShellPlace {
  readonly directory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const RUN_MS_MAX = 150_000;

export function runShell(
  script: string,
  { directory, environment }: ShellPlace,
): Promise<ShellRun> {
  const child = spawn("bash", ["-e", "-o", "pipefail", "-c", script], {
    cwd: directory,
    env: environment,
    detached: true, // leads a group, so that all of it can be ended
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const add = (chunk: Buffer): void => {
    output += chunk.toString("utf8");
  };
  child.stdout.on("data", add);
  child.stderr.on("data", add);
  const overdue = systemClock.after(RUN_MS_MAX, () => {
    output += `\nnot done after ${RUN_MS_MAX / 1_000} s`;
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  });
  return new Promise((resolve) => {
    child.once("error", (error) => {
      overdue.cancel();
      resolve({ exitCode: undefined, output: error.message });
    });
    child.once("close", (code) => {
      overdue.cancel();
      resolve({ exitCode: code ?? undefined, output });
    });
  });
}
