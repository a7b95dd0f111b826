/** What every command is given, and how it names its end. */
import { InvalidArgumentError } from "commander";
import type { ExitCode } from "./exit-code.ts";
import type { Terminal } from "./terminal.ts";

export interface CommandContext {
  readonly terminal: Terminal;
  /** The exit code, once the command is done. Zero unless said otherwise. */
  readonly end: (code: ExitCode) => void;
}

/** For `--option <n>`: a whole number within bounds, or a usage error. */
export function wholeNumber({ min, max }: { readonly min: number; readonly max: number }) {
  return (text: string): number => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`);
  };
}

/** An origin such as http://127.0.0.1:7101, without a slash at its end. */
export function endpointUrl(text: string): string {
  const url = URL.parse(text);
  if (url !== null && (url.protocol === "http:" || url.protocol === "https:")) return url.origin;
  throw new InvalidArgumentError("Expected a URL such as http://127.0.0.1:7101.");
}

/** For an option that may be repeated or hold a list with commas. */
export function endpointUrls(text: string, earlier: readonly string[] = []): string[] {
  const urls = text.split(",").filter((part) => part.trim() !== "");
  return [...earlier, ...urls.map((part) => endpointUrl(part.trim()))];
}
