/**
 * One page, executed against a live cluster of its own.
 *
 *     three regions, writes ──▶ fault ──▶ block, block, act, block … ──▶ nothing lost, all equal ──▶ time
 *                                 └── time to detect ──▶ the block that names the cause
 *
 * Whatever the page is about, a drill ends with the two questions that an operator is asked afterwards: is
 * every write there that was acknowledged, and do all regions hold the same?
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SeededRandom, delay, errorText, systemClock, systemRandom, toHex } from "@atoll/core";
import { LOCAL_REGIONS } from "@atoll/server";
import { FaultyCluster, eventually } from "../packages/server/faulty-links.fixture.ts";
import { MarkedWrites } from "../packages/server/marked-writes.fixture.ts";
import { perform } from "./acts.ts";
import { missingLine } from "./expectation.ts";
import { operatorEnvironment } from "./operator-environment.ts";
import type { Page, ShellStep } from "./page.ts";
import { openRegionDoor } from "./region-door.ts";
import type { ShellPlace } from "./shell.ts";
import { runShell } from "./shell.ts";
import type { Stage } from "./stage.ts";

export interface DrillReport {
  readonly page: string;
  readonly verdict: "passed" | "failed" | "skipped";
  /** Why not passed. */
  readonly reason?: string;
  /** From the fault to the output that names its cause; undefined for pages that name none. */
  readonly detectedSeconds?: number;
  /** From the fault to the end of the last block. */
  readonly seconds?: number;
  readonly blocks?: number;
  readonly acknowledgedWrites?: number;
}

export type Tell = (line: string) => void;

const LINKED_MS_MAX = 60_000;
const EQUAL_MS_MAX = 90_000;
/** Some writes of each region from before the fault, so that there is something to lose. */
const WRITES_BEFORE = 20;
const LOOK_AGAIN_MS = 250;

/** `show`: also what blocks printed that were as expected, for whoever writes a page. */
export async function runDrill(
  page: Page,
  { tell, show }: { readonly tell: Tell; readonly show: boolean },
): Promise<DrillReport> {
  const directory = mkdtempSync(join(tmpdir(), `atoll-drill-${page.name}-`));
  const seed = toHex(systemRandom.bytes(4));
  const random = new SeededRandom(seed);
  const cluster = await FaultyCluster.start(join(directory, "cluster"), random);
  const stage: Stage = { cluster, directory, afterwards: [] };
  let writes: MarkedWrites | undefined;
  try {
    await eventually("the regions are linked", LINKED_MS_MAX, () => cluster.hasConverged());
    if (page.drill.writes) {
      writes = new MarkedWrites({ cluster, label: "drill", random: random.fork("writes") });
      await eventually("clients write", LINKED_MS_MAX, () => hasBegun(writes));
    }
    const times = await play(page, stage, show ? tell : () => undefined);
    await writes?.stop();
    await expectNothingLost(cluster, writes);
    const { withinSeconds } = page.drill;
    const isLate = times.seconds > withinSeconds;
    stage.afterwards.unshift(() => rmSync(directory, { recursive: true, force: true }));
    return {
      page: page.name,
      verdict: isLate ? "failed" : "passed",
      ...(isLate && { reason: `took more than ${withinSeconds} s` }),
      ...times,
      blocks: page.steps.filter(({ kind }) => kind === "shell").length,
      acknowledgedWrites: writes?.acknowledged.length ?? 0,
    };
  } catch (error) {
    writeFileSync(join(directory, "report.txt"), await cluster.report());
    const reason = `${errorText(error)}\n(seed ${seed}; report.txt and logs in ${directory})`;
    return { page: page.name, verdict: "failed", reason };
  } finally {
    await writes?.stop();
    await cluster.stop();
    for (const end of stage.afterwards.reverse()) end();
  }
}

async function play(
  page: Page,
  stage: Stage,
  tell: Tell,
): Promise<{ readonly seconds: number; readonly detectedSeconds?: number }> {
  const { cluster, directory } = stage;
  const door = await openRegionDoor(join(directory, "bin"), (act) => perform(act, stage));
  try {
    const environment = operatorEnvironment({ cluster, directory, commands: door.directory });
    const faultMs = systemClock.monotonicMs();
    const sinceFault = (): number => (systemClock.monotonicMs() - faultMs) / 1_000;
    let detectedSeconds: number | undefined;
    for (const act of page.drill.fault) await perform(act, stage);
    for (const step of page.steps) {
      if (step.kind === "act") await perform(step.act, stage);
      else await runStep(`${page.name}.md:${step.line}`, step, { directory, environment }, tell);
      if (step.kind === "shell" && step.detects) detectedSeconds ??= sinceFault();
    }
    const seconds = sinceFault();
    return detectedSeconds === undefined ? { seconds } : { seconds, detectedSeconds };
  } finally {
    door.close();
  }
}

async function runStep(
  where: string,
  step: ShellStep,
  place: ShellPlace,
  tell: Tell,
): Promise<void> {
  const untilMs = systemClock.monotonicMs() + step.withinSeconds * 1_000;
  for (;;) {
    const { exitCode, output } = await runShell(step.script, place);
    const missing = missingLine(step.expected, output);
    const shown = `${where}\n$ ${step.script}\n${output}`;
    if (exitCode === step.exitCode && missing === undefined) return tell(shown);
    if (systemClock.monotonicMs() < untilMs) {
      await delay(LOOK_AGAIN_MS);
      continue;
    }
    const code = `exit code ${exitCode ?? "none"}, expected ${step.exitCode}`;
    throw new Error(`${missing === undefined ? code : `no line "${missing}" (${code})`}\n${shown}`);
  }
}

function hasBegun(writes: MarkedWrites | undefined): boolean {
  return LOCAL_REGIONS.every((region) => (writes?.countOf(region) ?? 0) >= WRITES_BEFORE);
}

/** Also that every region shows every mark: equal roots alone could be equally incomplete. */
async function expectNothingLost(
  cluster: FaultyCluster,
  writes: MarkedWrites | undefined,
): Promise<void> {
  await eventually("all regions hold the same", EQUAL_MS_MAX, () => cluster.hasConverged());
  const marksById = Map.groupBy(writes?.acknowledged ?? [], ({ id }) => id);
  for (const region of LOCAL_REGIONS) {
    for (const [id, marks] of marksById) {
      const text = (await cluster.read(region, id)) ?? "";
      const lost = marks.find(({ mark }) => !text.includes(`"${mark}"`));
      if (lost !== undefined)
        throw new Error(`${region} lacks ${lost.mark}, acknowledged in ${id}`);
    }
  }
}
