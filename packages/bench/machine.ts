/** Where and on what a figure was measured: without it a figure cannot be compared with another. */
import { execFileSync } from "node:child_process";
import { cpus } from "node:os";
import type { JsonObject } from "@atoll/profile";

export function machineFacts(): JsonObject {
  const processors = cpus();
  return {
    commit: commitOf(import.meta.dirname),
    node: process.version,
    cpu: processors[0]?.model.trim() ?? "unknown",
    cores: processors.length,
    platform: `${process.platform} ${process.arch}`,
  };
}

/** With `+` when the tree has changes that no commit knows. */
function commitOf(directory: string): string {
  try {
    const git = (...args: string[]): string =>
      execFileSync("git", args, {
        cwd: directory,
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      });
    const commit = git("rev-parse", "--short=12", "HEAD").trim();
    return git("status", "--porcelain").trim() === "" ? commit : `${commit}+`;
  } catch {
    return "unknown"; // an unpacked archive has no history
  }
}
