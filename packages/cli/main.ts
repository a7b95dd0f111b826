/**
 * `atoll`: what an operator types.
 *
 * One file per command in `commands/`; this one puts them together and decides how a failure is told:
 * one line with the cause and the mend, the faults below it when there are several, a stack only for
 * those who ask for it.
 */
import { Command, CommanderError } from "commander";
import type { AtollError } from "@atoll/core";
import { errorText, isAtollError } from "@atoll/core";
import { VERSION, configFaultLine, terminalPreferences } from "@atoll/server";
import type { CommandContext } from "./command-context.ts";
import { addActorCommand } from "./commands/actor.ts";
import { addAuditCommand } from "./commands/audit.ts";
import { addBackupCommand } from "./commands/backup.ts";
import { addCertsCommand } from "./commands/certs.ts";
import { addCompletionCommand } from "./commands/completion.ts";
import { addConfigCommand } from "./commands/config.ts";
import { addContextCommand } from "./commands/context.ts";
import { addDemoCommand } from "./commands/demo.ts";
import { addDivergenceCommand } from "./commands/divergence.ts";
import { addDocCommand } from "./commands/doc.ts";
import { addHealCommand } from "./commands/heal.ts";
import { addKeyCommand } from "./commands/key.ts";
import { addLocalCommand } from "./commands/local.ts";
import { addMerkleCommand } from "./commands/merkle.ts";
import { addPartitionCommand } from "./commands/partition.ts";
import { addPeerCommand } from "./commands/peer.ts";
import { addProfileCommand } from "./commands/profile.ts";
import { addQuarantineCommand } from "./commands/quarantine.ts";
import { addRegionCommand } from "./commands/region.ts";
import { addRepairCommand } from "./commands/repair.ts";
import { addServeCommand } from "./commands/serve.ts";
import { addStatusCommand } from "./commands/status.ts";
import { addSupportBundleCommand } from "./commands/support-bundle.ts";
import { addVerifyCommand } from "./commands/verify.ts";
import { addWatchCommand } from "./commands/watch.ts";
import type { ExitCode } from "./exit-code.ts";
import { EXIT } from "./exit-code.ts";
import type { Terminal } from "./terminal.ts";
import { processTerminal } from "./terminal.ts";

/** For the process: its exit code is set, and it ends when nothing is left to do. */
export async function run(argv: readonly string[]): Promise<void> {
  const { color, debug } = terminalPreferences();
  process.exitCode = await runCommand(argv, processTerminal({ color }), { debug });
}

export async function runCommand(
  argv: readonly string[],
  terminal: Terminal,
  { debug = false }: { readonly debug?: boolean } = {},
): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.ok;
  const context: CommandContext = {
    terminal,
    end: (code) => {
      exitCode = code;
    },
  };
  const program = createProgram(context);
  try {
    await program.parseAsync(argv, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    tellFailure(error, terminal, debug || program.opts()["debug"] === true);
    return isAtollError(error) ? exitCodeOf(error) : EXIT.failure;
  }
}

function exitCodeOf({ code, data }: AtollError): ExitCode {
  if (code === "unauthenticated" || code === "forbidden") return EXIT.auth;
  return data.faults === undefined ? EXIT.failure : EXIT.usage;
}

/** All commands, before any of them is run. */
export function createProgram(context: CommandContext): Command {
  const { terminal } = context;
  const program = new Command("atoll")
    .description("A multi-region profile database: every region writes, every copy merges.")
    .version(VERSION)
    .option("--debug", "show where an unexpected error came from")
    .configureOutput({
      writeOut: (text) => terminal.print(text.trimEnd()),
      writeErr: (text) => terminal.tell(text.trimEnd()),
    })
    .showSuggestionAfterError()
    .exitOverride();
  addServeCommand(program, context);
  addLocalCommand(program, context);
  addDemoCommand(program, context);
  addStatusCommand(program, context);
  addWatchCommand(program, context);
  addRegionCommand(program, context);
  addPeerCommand(program, context);
  addPartitionCommand(program, context);
  addDivergenceCommand(program, context);
  addDocCommand(program, context);
  addHealCommand(program, context);
  addRepairCommand(program, context);
  addMerkleCommand(program, context);
  addVerifyCommand(program, context);
  addQuarantineCommand(program, context);
  addActorCommand(program, context);
  addAuditCommand(program, context);
  addSupportBundleCommand(program, context);
  addProfileCommand(program, context);
  addKeyCommand(program, context);
  addCertsCommand(program, context);
  addBackupCommand(program, context);
  addConfigCommand(program, context);
  addContextCommand(program, context);
  addCompletionCommand(program, context);
  return program;
}

function tellFailure(error: unknown, terminal: Terminal, debug: boolean): void {
  if (isAtollError(error)) tellAtollError(error, terminal);
  else terminal.tell(`atoll: ${errorText(error)}. This is unexpected; --debug shows where.`);
  if (debug && error instanceof Error) terminal.tell(error.stack ?? "");
}

function tellAtollError({ message, data }: AtollError, terminal: Terminal): void {
  const faults = data.faults ?? [];
  const mend = data.mend === undefined ? "" : sentence(data.mend);
  if (faults.length === 0) {
    terminal.tell(`atoll: ${sentence(message)} ${mend}`.trimEnd());
    return;
  }
  terminal.tell(`atoll: ${message}:`);
  for (const fault of faults) terminal.tell(`  ${configFaultLine(fault)}`);
  if (mend !== "") terminal.tell(mend);
}

/** Rooms write half-sentences, because most of them end in a log or a problem document. */
function sentence(text: string): string {
  const trimmed = text.trim();
  const ended = /[.!?]$/.test(trimmed) ? trimmed : `${trimmed}.`;
  return ended.charAt(0).toUpperCase() + ended.slice(1);
}
