// A member of a crew that does what it is told: says a word, now or once another has begun with its own, or dies.
import { existsSync, renameSync, writeFileSync } from "node:fs";
import { systemClock } from "@atoll/core";
import { serve } from "./crew.ts";

export interface Errand {
  readonly word: string;
  /** A file that gets the number of the process when it begins. */
  readonly begins?: string;
  /** The word is held back until this file is there. */
  readonly after?: string;
  readonly dies?: true;
}

serve(async ({ word, begins, after, dies }: Errand): Promise<string> => {
  if (dies === true) process.kill(process.pid, "SIGKILL");
  if (begins !== undefined) {
    writeFileSync(`${begins}.new`, String(process.pid));
    renameSync(`${begins}.new`, begins); // whoever sees it reads all of it
  }
  while (after !== undefined && !existsSync(after)) {
    await new Promise<void>((resolve) => systemClock.after(5, resolve));
  }
  return word;
});
