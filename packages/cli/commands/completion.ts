/** `atoll completion bash|zsh|fish`: a script for the shell, to be sourced. */
import type { Command } from "commander";
import { Argument } from "commander";
import type { CommandContext } from "../command-context.ts";
import type { Shell } from "../completion.ts";
import { SHELLS, completionScript } from "../completion.ts";

export function addCompletionCommand(program: Command, { terminal }: CommandContext): void {
  program
    .command("completion")
    .description("print what completes atoll's words: source <(atoll completion bash)")
    .addArgument(new Argument("<shell>", "whose").choices(SHELLS))
    .action((shell: Shell) => terminal.print(completionScript(program, shell)));
}
