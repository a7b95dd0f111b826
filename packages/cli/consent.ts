/**
 * `--dry-run` and `--yes`, the same for every command that changes something.
 *
 *     --dry-run                 the plan is printed, and nothing is done
 *     what can be taken back    is done at once: a pause, a retry, a repair
 *     what can not              is asked about on a terminal; elsewhere it needs --yes, so that no script
 *                               gives anything up by accident
 */
import type { Command } from "commander";
import { AtollError } from "@atoll/core";
import type { Terminal } from "./terminal.ts";

export interface ConsentOptions {
  readonly dryRun?: true;
  readonly yes?: true;
}

export function withConsent(command: Command): Command {
  return command
    .option("--dry-run", "say what would be done, and do nothing")
    .option("--yes", "do not ask");
}

/** `plan`: in the imperative. False when it is not to be done. */
export async function confirmed(
  plan: string,
  { dryRun, yes, isHarmless = false }: ConsentOptions & { readonly isHarmless?: boolean },
  terminal: Terminal,
): Promise<boolean> {
  if (dryRun === true) {
    terminal.print(`Would ${plan}.`);
    return false;
  }
  if (yes === true || isHarmless) return true;
  const answer = await terminal.confirm(`About to ${plan}. Go on? [y/N] `);
  if (answer !== undefined) {
    if (!answer) terminal.tell("Nothing was done.");
    return answer;
  }
  throw new AtollError("malformed-request", `this would ${plan}, and nobody is here to be asked`, {
    mend: "Say --yes to do it, or --dry-run to see it.",
    faults: [{ pointer: "/yes", detail: "missing", code: "missing" }],
  });
}
