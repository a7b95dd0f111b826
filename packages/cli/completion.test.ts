// What a shell offers is tried in the shell itself, where there is one.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runCommand } from "./main.ts";
import { MemoryTerminal } from "./terminal.ts";

async function script(shell: string): Promise<string> {
  const terminal = new MemoryTerminal();
  expect(await runCommand(["completion", shell], terminal)).toBe(0);
  return terminal.printed.join("\n");
}

const bash = spawnSync("bash", ["-c", "type complete compgen"]).status === 0;

describe.skipIf(!bash)("in bash (skipped without it)", () => {
  test.each([
    [["atoll", "ver"], "verify"],
    [["atoll", "peer", ""], "ls lag pause resume --help"],
    [["atoll", "peer", "pause", "--dr"], "--dry-run"],
    [["atoll", "verify", "converged", "--ti"], "--timeout"],
    [["atoll", "heal", "preview", "us-east-1", "--o"], "--output --out"],
    [["atoll", "status", "-o", ""], "table json yaml ndjson"],
    [["atoll", "backup", "verify", "shelf", "--output", "n"], "ndjson"],
    [["atoll", "swim", ""], undefined],
  ])("%j offers %s", async (words, offered) => {
    const directory = mkdtempSync(join(tmpdir(), "atoll-completion-"));
    try {
      const file = join(directory, "atoll.bash");
      writeFileSync(file, await script("bash"));
      const quoted = words.map((word) => `'${word}'`).join(" ");
      const line = `source ${file}; COMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; _atoll; echo "\${COMPREPLY[@]}"`;
      const { stdout, stderr } = spawnSync("bash", ["-c", line], { encoding: "utf8" });
      expect(stderr).toBe("");
      const found = stdout.trim().split(" ");
      if (offered === undefined) expect(found).toContain("status");
      else expect(found.sort()).toEqual(offered.split(" ").sort());
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});

test("zsh and fish know every command", async () => {
  for (const shell of ["zsh", "fish"]) {
    const text = await script(shell);
    for (const word of ["status", "converged", "preview", "support-bundle", "dry-run"]) {
      expect(text).toContain(word);
    }
  }
});

test("an unknown shell is a usage error", async () => {
  expect(await runCommand(["completion", "dos"], new MemoryTerminal())).toBe(2);
});
