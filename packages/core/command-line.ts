/**
 * Arguments of the programs that `npm run` starts.
 *
 * `--help` is always there, and what a program does not know is answered with how it is used and exit code 2: a
 * stack trace says where a parser stopped, not what was misspelt.
 */
import type { ParseArgsConfig } from "node:util";
import { parseArgs } from "node:util";
import { errorText } from "./errors.ts";

/** As shells have it for a command that was used wrongly. */
const USED_WRONGLY = 2;

export type CommandLine<T extends ParseArgsConfig> = ReturnType<typeof parseArgs<T>>;

/** The arguments of this process, or the fault in them; `help`: somebody asks how it is used. */
export function readCommandLine<T extends ParseArgsConfig>(
  config: T,
  args: readonly string[] = process.argv.slice(2),
): CommandLine<T> | { readonly fault: string } | "help" {
  if (args.includes("--help")) return "help";
  try {
    return parseArgs({ ...config, args: [...args] }) as CommandLine<T>;
  } catch (error) {
    return { fault: errorText(error).split(". ")[0] ?? "" }; // what follows is about quoting
  }
}

/** The same for a program that ends then, having said so. */
export function commandLine<T extends ParseArgsConfig>(config: T, usage: string): CommandLine<T> {
  const read = readCommandLine(config);
  if (read === "help") {
    process.stdout.write(usage);
    process.exit(0);
  }
  if ("fault" in read) process.exit(refuseUsage(read.fault, usage));
  return read;
}

/** Says what is wrong and how it is right; returns the exit code that goes with it. */
export function refuseUsage(fault: string, usage: string): number {
  process.stderr.write(`${fault}\n\n${usage}`);
  return USED_WRONGLY;
}
