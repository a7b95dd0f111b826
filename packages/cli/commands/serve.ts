/** `atoll serve`: one region, as it runs in production. */
import type { Command } from "commander";
import { configFileFromEnvironment, configVariables, loadRegionConfig, serve } from "@atoll/server";
import type { CommandContext } from "../command-context.ts";

interface ServeOptions {
  readonly config?: string;
  readonly insecure?: true;
}

export function addServeCommand(program: Command, _context: CommandContext): void {
  program
    .command("serve")
    .description("run one region until it is told to stop")
    .option("--config <file>", "YAML file; ATOLL_… variables win over it, and suffice without it")
    .option("--insecure", "let listeners without auth be reached from elsewhere")
    .addHelpText("after", `\nEnvironment, and the key that each sets:\n${variableLines()}`)
    .action(async ({ config, insecure }: ServeOptions) => {
      await serve(
        loadRegionConfig({
          file: config ?? configFileFromEnvironment(),
          insecure: insecure === true,
        }),
      );
    });
}

function variableLines(): string {
  return configVariables()
    .map(({ name, key }) => `  ${name.padEnd(26)} ${key}`)
    .join("\n");
}
