/** Second processes for tests of what only the operating system can do: release a lock, lose a write. */
import type { ChildProcess } from "node:child_process";
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** Starts a fixture of this package and waits until it says that it is ready. */
export async function startFixture(name: string, argument: string): Promise<ChildProcess> {
  const path = fileURLToPath(new URL(name, import.meta.url));
  const child = fork(path, [argument], {
    execArgv: [],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let complaint = "";
  child.stderr?.on("data", (chunk: Buffer) => (complaint += chunk.toString()));
  const ready = await Promise.race([
    once(child, "message").then(() => true),
    once(child, "exit").then(() => false),
  ]);
  if (!ready) throw new Error(`${name} ended early: ${complaint}`);
  return child;
}

/** As a power cut does it: no handler runs. */
export async function killNow(child: ChildProcess): Promise<void> {
  const exit = once(child, "exit");
  child.kill("SIGKILL");
  await exit;
}
