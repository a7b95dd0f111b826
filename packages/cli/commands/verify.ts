/** `atoll verify [store]`: let a region look through everything it stores, and hear what it found. */
import type { Command } from "commander";
import { AtollError, delay, limits, systemClock } from "@atoll/core";
import type { VerifyReport } from "@atoll/server";
import { LOCAL_BASE_PORT_DEFAULT, parseVerifyReport } from "@atoll/server";
import type { AdminClient } from "../admin-client.ts";
import { withAdmin } from "../admin-client.ts";
import type { CommandContext } from "../command-context.ts";
import { endpointUrl, seconds } from "../command-context.ts";
import type { ConsentOptions } from "../consent.ts";
import { confirmed } from "../consent.ts";
import { EXIT } from "../exit-code.ts";
import type { OutputOption } from "../output.ts";
import { outputOption, printData } from "../output.ts";
import type { Progress } from "../progress.ts";
import { startProgress } from "../progress.ts";
import { addVerifyConverged } from "./verify-converged.ts";

const LOCAL_ADMIN = `http://127.0.0.1:${LOCAL_BASE_PORT_DEFAULT + 2}`;

interface VerifyOptions extends ConsentOptions, OutputOption {
  readonly endpoint: string;
  readonly timeout: number;
}

export function addVerifyCommand(program: Command, context: CommandContext): void {
  const verifying = program
    .command("verify")
    .description("prove things: that a store is sound, that regions hold the same");
  addVerifyConverged(verifying, context);
  verifying
    .command("store", { isDefault: true })
    .description("look through all that one region stores; exit code 3 when something was wrong")
    .option("--endpoint <url>", "admin URL of a region", endpointUrl, LOCAL_ADMIN)
    .option(
      "--timeout <time>",
      "such as 60s or 1h: give up waiting; the region goes on; exit code 4",
      seconds,
      limits.COMMAND_VERIFY_SECONDS_DEFAULT,
    )
    .addOption(outputOption())
    .option("--dry-run", "say what would be done, and do nothing")
    .option("--yes", "do not ask")
    .action(async (options: VerifyOptions) => {
      const plan = `look through all that ${options.endpoint} stores, and repair what can be`;
      if (!(await confirmed(plan, { ...options, isHarmless: true }, context.terminal))) return;
      await withAdmin(options.endpoint, (admin) => verify(admin, options, context));
    });
}

async function verify(
  admin: AdminClient,
  { timeout, output }: VerifyOptions,
  { terminal, end }: CommandContext,
): Promise<void> {
  const started = await admin.ask("POST", "/verify", [202, 409]);
  if (started.status === 409) terminal.tell("A verification is running already; this follows it.");
  const untilMs = systemClock.monotonicMs() + timeout * 1000;
  const progress = startProgress({ terminal, clock: systemClock }, { label: "verify", total: 100 });
  let report: VerifyReport;
  try {
    report = await finished(admin, untilMs, progress);
  } finally {
    progress.stop();
  }
  if (output !== "table") printData(terminal, output, report);
  else tell(report, terminal);
  if (report.state === "running") end(EXIT.timeout);
  else if (report.state === "failed") end(EXIT.failure);
  else if (report.faults.found > 0) end(EXIT.unhealthy);
}

async function finished(
  admin: AdminClient,
  untilMs: number,
  progress: Progress,
): Promise<VerifyReport> {
  for (;;) {
    const report = parseVerifyReport((await admin.ask("GET", "/verify")).body);
    if (report === undefined) {
      throw new AtollError(
        "malformed-request",
        "the region answers what this command does not know",
      );
    }
    const { entriesDone, entriesTotal, documentsDone, documentsTotal } = report.progress;
    const part = (entriesDone + documentsDone) / Math.max(1, entriesTotal + documentsTotal);
    progress.update(
      Math.floor(100 * part),
      `${entriesDone} entries, ${documentsDone} documents, ${report.faults.found} faults`,
    );
    if (report.state !== "running" || systemClock.monotonicMs() >= untilMs) return report;
    await delay(limits.COMMAND_VERIFY_LOOK_MS);
  }
}

function tell(
  { state, progress, faults }: VerifyReport,
  terminal: CommandContext["terminal"],
): void {
  for (const { table, where, what, repair } of faults.listed) {
    const mended = { done: "repaired", peers: "fetched again from peers", none: "NOT repaired" };
    terminal.print(`${table}: ${where}: ${what}; ${mended[repair]}`);
  }
  const untold = faults.found - faults.listed.length;
  if (untold > 0) terminal.print(`and ${untold} more`);
  const looked = `${progress.entriesDone} entries and ${progress.documentsDone} documents`;
  if (state === "running")
    terminal.tell(`Not finished in time: ${looked} so far. It goes on there.`);
  else if (state === "failed") terminal.tell(`Ended early by a failing store: ${looked} so far.`);
  else if (faults.found === 0) terminal.tell(`Clean: ${looked}.`);
  else {
    const left = faults.found - faults.repaired;
    const rest = left === 0 ? "all repaired" : `${left} NOT repaired`;
    terminal.tell(`${faults.found} faults in ${looked}, ${rest}.`);
  }
}
