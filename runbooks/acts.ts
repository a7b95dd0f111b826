/**
 * What a drill can do to a cluster, in words that a page can hold:
 *
 *     cut A B            neither hears the other       stop A       in order, as systemd stops it
 *     cut A > B          B hears nothing of A          kill A       as a power cut
 *     slow A > B         a thin and distant link       start A      and wait until it is ready
 *     heal               all links are well again      stall A      the process stands still for some seconds
 *     copy A             keep a copy of its files, A being down
 *     restore A          put that copy back, A being down
 *     duplicate A        start a second process of A on that copy
 *     damage A PLACE     flip a bit of what is stored there, A being down
 *     small disk A       its data moves to a file system that is nearly full, A being down
 *     clock SECONDS      of whatever is started from now on: how far its wall clock is off
 *
 * They do it to real processes, real sockets and real files: a drill that only pretends trains nobody.
 */
import { LOCAL_REGIONS } from "@atoll/server";
import type { RegionName } from "../packages/server/faulty-links.fixture.ts";
import { copyFiles, damageFiles, restoreFiles, useSmallDisk } from "./file-acts.ts";
import { duplicateProcess, setClock, stallProcess } from "./process-acts.ts";
import type { Stage } from "./stage.ts";

type Act = (stage: Stage, words: readonly string[]) => Promise<void> | void;

/** A thin link: some profiles a second, and far away. */
const SLOW = { bytesPerSecond: 6_000, delayMs: 200 };

const VERBS: readonly { readonly pattern: RegExp; readonly act: Act }[] = [
  verb("cut A B", ({ cluster }, [a, b]) => cluster.setPair(region(a), region(b), "swallow")),
  verb("cut A > B", ({ cluster }, [a, b]) => {
    cluster.setDirection(region(a), region(b), "swallow");
  }),
  verb("slow A > B", ({ cluster }, [a, b]) => cluster.impair(region(a), region(b), SLOW)),
  verb("heal", ({ cluster }) => cluster.healAll()),
  verb("stop A", ({ cluster }, [a]) => cluster.stopInOrder(region(a))),
  verb("kill A", ({ cluster }, [a]) => cluster.kill(region(a))),
  verb("start A", ({ cluster }, [a]) => cluster.restart(region(a))),
  verb("stall A", (stage, [a]) => stallProcess(stage, region(a))),
  verb("copy A", (stage, [a]) => copyFiles(stage, region(a))),
  verb("restore A", (stage, [a]) => restoreFiles(stage, region(a))),
  verb("duplicate A", (stage, [a]) => duplicateProcess(stage, region(a))),
  verb("damage A ([a-z]+)", (stage, [a, place = ""]) => damageFiles(stage, region(a), place)),
  verb("small disk A", (stage, [a]) => useSmallDisk(stage, region(a))),
  verb("clock ([+-]?[0-9]+)", (_stage, [seconds]) => setClock(Number(seconds))),
];

/** Throws for words that mean nothing. */
export async function perform(act: string, stage: Stage): Promise<void> {
  const [found, words] = readAct(act);
  await found(stage, words);
}

/** For the check of pages, before anything is started. */
export function readAct(act: string): [Act, readonly string[]] {
  for (const { pattern, act: found } of VERBS) {
    const match = pattern.exec(act.trim());
    if (match !== null) return [found, match.slice(1)];
  }
  throw new Error(`no act of a drill: ${act}`);
}

function verb(words: string, act: Act): { readonly pattern: RegExp; readonly act: Act } {
  const name = `(${LOCAL_REGIONS.join("|")})`;
  return { pattern: new RegExp(`^${words.replace(/\b[AB]\b/g, name)}$`), act };
}

function region(name: string | undefined): RegionName {
  const known = LOCAL_REGIONS.find((each) => each === name);
  if (known === undefined) throw new Error(`no region of a drill: ${name}`);
  return known;
}
