/** `atoll config check|print`: what a start would say of a configuration, while the region runs on. */
import type { Command } from "commander";
import { checkRegionConfig, configFileFromEnvironment } from "@atoll/server";
import type { CommandContext } from "../command-context.ts";
import { printData } from "../output.ts";

interface ConfigOptions {
  readonly config?: string;
  readonly insecure?: true;
}

export function addConfigCommand(program: Command, { terminal }: CommandContext): void {
  const config = program.command("config").description("a region's configuration, before a start");
  const reading = (command: Command): Command =>
    command
      .option("--config <file>", "YAML file; ATOLL_… variables win over it, as for serve")
      .option("--insecure", "as for serve");
  const check = ({ config: named, insecure }: ConfigOptions) =>
    checkRegionConfig({
      file: named ?? configFileFromEnvironment(),
      insecure: insecure === true,
    });
  reading(config.command("check"))
    .description("name every fault, and start nothing; exit code 2 when there is one")
    .action(async (options: ConfigOptions) => {
      const { region } = await check(options);
      terminal.tell(`No faults: this would run ${String(region)}.`);
    });
  reading(config.command("print"))
    .description("what would be in force, as JSON, without what is secret")
    .action(async (options: ConfigOptions) => {
      printData(terminal, "json", await check(options));
    });
}
