/**
 * What a drill can do to a cluster, in words that a page can hold:
 *
 *     cut A B            neither hears the other       stop A       in order, as systemd stops it
 *     cut A > B          B hears nothing of A          kill A       as a power cut
 *     heal               all links pass again          start A      and wait until it is ready
 *     copy A             keep a copy of its files      restore A    put the copy back, A being down
 *     writes stop        clients end, and say what they were promised
 *
 * They do it to real processes, real sockets and real files: a drill that only pretends trains nobody.
 */
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { LOCAL_REGIONS } from "@atoll/server";
import type { FaultyCluster, RegionName } from "../packages/server/faulty-links.fixture.ts";

export interface Stage {
  readonly cluster: FaultyCluster;
  /** For copies. */
  readonly directory: string;
  readonly stopWrites: () => Promise<void>;
}

type Act = (stage: Stage, regions: readonly RegionName[]) => Promise<void> | void;

interface Verb {
  readonly pattern: RegExp;
  readonly act: Act;
}

const VERBS: readonly Verb[] = [
  verb("cut A B", ({ cluster }, [a, b]) => cluster.setPair(of(a), of(b), "swallow")),
  verb("cut A > B", ({ cluster }, [a, b]) => cluster.setDirection(of(a), of(b), "swallow")),
  verb("heal", ({ cluster }) => cluster.healAll()),
  verb("stop A", ({ cluster }, [a]) => cluster.stopInOrder(of(a))),
  verb("kill A", ({ cluster }, [a]) => cluster.kill(of(a))),
  verb("start A", ({ cluster }, [a]) => cluster.restart(of(a))),
  verb("copy A", ({ cluster, directory }, [a]) => {
    cpSync(cluster.region(of(a)).directory, join(directory, `copy-of-${of(a)}`), {
      recursive: true,
    });
  }),
  verb("restore A", ({ cluster, directory }, [a]) => {
    const to = cluster.region(of(a)).directory;
    rmSync(to, { recursive: true });
    cpSync(join(directory, `copy-of-${of(a)}`), to, { recursive: true });
  }),
  verb("writes stop", ({ stopWrites }) => stopWrites()),
];

/** Throws for words that mean nothing. */
export async function perform(act: string, stage: Stage): Promise<void> {
  const [found, regions] = readAct(act);
  await found(stage, regions);
}

/** For the check of pages, before anything is started. */
export function readAct(act: string): [Act, readonly RegionName[]] {
  for (const { pattern, act: found } of VERBS) {
    const match = pattern.exec(act.trim());
    if (match !== null) return [found, match.slice(1) as RegionName[]];
  }
  throw new Error(`no act of a drill: ${act}`);
}

function verb(words: string, act: Act): Verb {
  const region = `(${LOCAL_REGIONS.join("|")})`;
  return { pattern: new RegExp(`^${words.replace(/\b[AB]\b/g, region)}$`), act };
}

function of(region: RegionName | undefined): RegionName {
  if (region === undefined) throw new Error("an act without its region");
  return region;
}
