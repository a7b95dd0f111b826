/**
 * What a command says, and to whom: data to standard output for the next program, talk to standard
 * error for the person. Nothing else in the house writes to either.
 */
import { createInterface } from "node:readline/promises";
import type { Writable } from "node:stream";

export interface Terminal {
  /** Data: one line, or many, to standard output. */
  print(text: string): void;
  /** Talk: one line to standard error. */
  tell(text: string): void;
  readonly stderr: Writable;
  /** True when a person sees standard output as it changes. */
  readonly isOutLive: boolean;
  readonly isErrLive: boolean;
  /** Characters in a line of standard output; undefined when nobody looks. */
  readonly columns: number | undefined;
  paint(color: Color, text: string): string;
  /** Asks a person; undefined where there is none. */
  confirm(question: string): Promise<boolean | undefined>;
}

export type Color = "green" | "yellow" | "red" | "dim" | "bold";

const SGR_BY_COLOR: Readonly<Record<Color, string>> = {
  green: "32",
  yellow: "33",
  red: "31",
  dim: "2",
  bold: "1",
};

export function processTerminal({ color }: { readonly color: boolean }): Terminal {
  const isOutLive = process.stdout.isTTY;
  const paints = color && isOutLive;
  return {
    print: (text) => void process.stdout.write(`${text}\n`),
    tell: (text) => void process.stderr.write(`${text}\n`),
    stderr: process.stderr,
    isOutLive,
    isErrLive: process.stderr.isTTY,
    get columns() {
      return isOutLive ? process.stdout.columns : undefined;
    },
    paint: (name, text) => (paints ? `\u001b[${SGR_BY_COLOR[name]}m${text}\u001b[0m` : text),
    async confirm(question) {
      if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined;
      const asking = createInterface({ input: process.stdin, output: process.stderr });
      try {
        return /^y(es)?$/i.test((await asking.question(question)).trim());
      } finally {
        asking.close();
      }
    },
  };
}

/** Remembers what was said, for tests. */
export class MemoryTerminal implements Terminal {
  readonly printed: string[] = [];
  readonly told: string[] = [];
  readonly stderr: Writable = process.stderr;
  readonly isOutLive = false;
  readonly isErrLive = false;
  readonly columns = undefined;
  /** What a person says; undefined where there is none. */
  answer: boolean | undefined = undefined;
  readonly asked: string[] = [];

  print(text: string): void {
    this.printed.push(text);
  }
  tell(text: string): void {
    this.told.push(text);
  }
  paint(_color: Color, text: string): string {
    return text;
  }
  confirm(question: string): Promise<boolean | undefined> {
    this.asked.push(question);
    return Promise.resolve(this.answer);
  }
}
