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

/** `60`, `60s`, `5m` or `1h`, in seconds; for what waits. */
export function seconds(text: string): number {
  const [, number, unit = "s"] = /^(\d{1,6})(s|m|h)?$/.exec(text) ?? [];
  const value = Number(number) * (unit === "h" ? 3_600 : unit === "m" ? 60 : 1);
  if (number !== undefined && value >= 1 && value <= 7 * 86_400) return value;
  throw new InvalidArgumentError("Expected a time such as 60s, 5m or 1h.");
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
