/** `atoll watch`: the status again and again; redrawn for a person, an event for each look for a program. */
import type { Command } from "commander";
import { delay, limits, systemClock } from "@atoll/core";
import { judgeCluster } from "../cluster-health.ts";
import type { CommandContext } from "../command-context.ts";
import { seconds, wholeNumber } from "../command-context.ts";
import { EXIT } from "../exit-code.ts";
import type { FleetOptions } from "../fleet.ts";
import { askStatuses, fleetOf, withFleet } from "../fleet.ts";
import type { OutputOption } from "../output.ts";
import { outputOption, printEvent } from "../output.ts";
import { statusLines } from "./status.ts";

interface WatchOptions extends FleetOptions, OutputOption {
  readonly interval: number;
  readonly count?: number;
}

const LOOKS_MAX = 1_000_000_000;
const CLEAR = "\u001b[H\u001b[2J";

export function addWatchCommand(program: Command, context: CommandContext): void {
  withFleet(program.command("watch"))
    .description(
      "the status until Ctrl-C: redrawn on a terminal, otherwise a line when it changes; " +
        "-o json or ndjson prints a line for each look, -o yaml a document",
    )
    .option("--interval <time>", "such as 2s", seconds, limits.COMMAND_WATCH_SECONDS_DEFAULT)
    .option("--count <n>", "stop after so many looks", wholeNumber({ min: 1, max: LOOKS_MAX }))
    .addOption(outputOption())
    .action(async (options: WatchOptions) => {
      await watch(options, context);
    });
}

async function watch(
  { interval, count = LOOKS_MAX, output, ...fleet }: WatchOptions,
  { terminal, end }: CommandContext,
): Promise<void> {
  const members = fleetOf(fleet);
  let before: string | undefined;
  for (let look = 1; ; look++) {
    const reports = await askStatuses(members);
    const health = judgeCluster(reports);
    const at = new Date(systemClock.nowMs()).toISOString();
    end(health.healthy ? EXIT.ok : EXIT.unhealthy);
    if (output !== "table") {
      const counts = reports.map(({ endpoint, status }) => {
        const { region = null, ready = false, root = null, counts: all = null } = status ?? {};
        return { endpoint, region, ready, root, counts: all };
      });
      printEvent(terminal, output, { at, ...health, regions: counts });
    } else if (terminal.isOutLive) {
      terminal.print([`${CLEAR}${at}`, ...statusLines(reports, health)].join("\n"));
    } else {
      const lines = health.healthy ? ["All regions are well."] : health.faults;
      const shown = lines.map(withoutCounts).join("\n");
      if (shown !== before) for (const line of lines) terminal.print(`${at} ${line}`);
      before = shown;
    }
    if (look >= count) return;
    await delay(interval * 1_000); // Ctrl-C ends the process: there is nothing to put in order
  }
}

/** What waits grows with every write, and is no news; neither is an attempt to link again. */
function withoutCounts(line: string): string {
  return line.replace(/; waiting: .*|; nothing waits$/, "").replace(/, last attempt: [^;]*/g, "");
}
