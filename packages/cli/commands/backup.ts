/** `atoll backup`: a copy of one region's data on the shelf, proven; and a region made of such a copy. */
import type { Command } from "commander";
import { limits, systemClock } from "@atoll/core";
import type { BackupProgress, BackupReport, BackupStage, RegionConfig } from "@atoll/server";
import {
  configFileFromEnvironment,
  createBackup,
  loadRegionConfig,
  restoreBackup,
  verifyBackup,
} from "@atoll/server";
import type { CommandContext } from "../command-context.ts";
import { wholeNumber } from "../command-context.ts";
import { EXIT } from "../exit-code.ts";
import type { DataForm } from "../output.ts";
import { outputOption, printData } from "../output.ts";
import type { Progress } from "../progress.ts";
import { startProgress } from "../progress.ts";
import type { Terminal } from "../terminal.ts";

const MIB = 1024 * 1024;
const RATE_MAX = 10_000;

interface Options {
  readonly config?: string;
  readonly output: "text" | DataForm;
}

export function addBackupCommand(program: Command, context: CommandContext): void {
  const backup = program
    .command("backup")
    .description("copy a region's data while it runs, prove the copy, make a region of it");
  withOptions(
    backup
      .command("create <dir>")
      .description("copy and prove; DIR must not exist; exit code 3 when the region is damaged"),
  )
    .option(
      "--rate <MiB/s>",
      "how fast to read at most",
      wholeNumber({ min: 1, max: RATE_MAX }),
      limits.BACKUP_BYTES_PER_SECOND_DEFAULT / MIB,
    )
    .action(async (directory: string, options: Options & { readonly rate: number }) => {
      await create(directory, options, context);
    });
  withOptions(
    backup
      .command("verify <dir>")
      .description("prove it again; without a configuration its file only; exit code 3: damaged"),
  ).action(async (directory: string, options: Options) => {
    await verify(directory, options, context);
  });
  withOptions(
    backup
      .command("restore <dir>")
      .description("prove it, and put it where a stopped region has no data; exit code 3: damaged"),
  )
    .option("--dry-run", "do all but the last step")
    .option("--yes", "do it: without this it is a dry run, and exit code 2")
    .action(async (directory: string, options: Options & Consent) => {
      await restore(directory, options, context);
    });
}

interface Consent {
  readonly dryRun?: true;
  readonly yes?: true;
}

function withOptions(command: Command): Command {
  return command
    .option("--config <file>", "of the region, as for `atoll serve`")
    .addOption(outputOption("text"));
}

async function create(
  directory: string,
  { config, output, rate }: Options & { readonly rate: number },
  { terminal, end }: CommandContext,
): Promise<void> {
  const report = await withBars(terminal, (progress) =>
    createBackup({
      config: regionConfig(config),
      directory,
      bytesPerSecond: rate * MIB,
      progress,
    }),
  );
  tell(report, output, terminal, end);
  if (report.faults.length === 0) terminal.tell(`Backup ${directory} is complete.`);
  else terminal.tell("No backup was made: the region is damaged. Run `atoll verify` on it first.");
}

async function verify(
  directory: string,
  { config, output }: Options,
  { terminal, end }: CommandContext,
): Promise<void> {
  const file = config ?? configFileFromEnvironment();
  const report = await withBars(terminal, (progress) =>
    verifyBackup({
      directory,
      config: file === undefined ? undefined : regionConfig(file),
      progress,
    }),
  );
  tell(report, output, terminal, end);
  if (report.faults.length > 0) terminal.tell(`Backup ${directory} is damaged: do not restore it.`);
  else if (report.depth === "documents") terminal.tell(`Backup ${directory} is sound.`);
  else {
    terminal.tell(
      `The file of ${directory} is as it was written; its seal, documents and roots were not checked: ` +
        (file === undefined ? "name the region's --config." : "its data format is an older one."),
    );
  }
}

async function restore(
  directory: string,
  { config, output, dryRun, yes }: Options & Consent,
  { terminal, end }: CommandContext,
): Promise<void> {
  const region = regionConfig(config);
  const isDryRun = dryRun === true || yes !== true;
  const report = await withBars(terminal, (progress) =>
    restoreBackup({ directory, config: region, isDryRun, progress }),
  );
  tell(report, output, terminal, end);
  if (report.faults.length > 0) {
    terminal.tell(`Backup ${directory} is damaged: nothing was restored.`);
  } else if (isDryRun) {
    terminal.tell(`It can be restored to ${region.dataDirectory}. Nothing was done: add --yes.`);
    if (dryRun !== true) end(EXIT.usage);
  } else {
    terminal.tell(`Restored to ${region.dataDirectory}. Start the region as ever: it takes a new`);
    terminal.tell(
      "incarnation, and its peers bring what was written since. `atoll status` shows both.",
    );
  }
}

function regionConfig(file: string | undefined): RegionConfig {
  return loadRegionConfig({ file: file ?? configFileFromEnvironment() });
}

function tell(
  report: BackupReport,
  output: Options["output"],
  terminal: Terminal,
  end: CommandContext["end"],
): void {
  const { manifest, faults, unlisted, depth, documents, entries, quarantined } = report;
  if (faults.length > 0) end(EXIT.unhealthy);
  if (output !== "text") return printData(terminal, output, report);
  if (manifest !== undefined) {
    const { region, cluster, incarnation, createdAt, counts, file } = manifest;
    terminal.print(`region     ${region} of cluster ${cluster.id}, incarnation ${incarnation}`);
    terminal.print(`made       ${createdAt} by atoll ${manifest.program.version}`);
    terminal.print(`holds      ${counts.documents} documents, ${counts.changes} changes`);
    terminal.print(`root       ${manifest.root}`);
    terminal.print(`file       ${file.bytes} bytes, sha256 ${file.sha256}`);
  }
  for (const fault of faults) terminal.print(`fault      ${fault}`);
  if (unlisted > 0) terminal.print(`fault      and ${unlisted} more`);
  if (depth === "documents") {
    const aside = quarantined === 0 ? "" : `, ${quarantined} of them quarantined in their region`;
    terminal.print(`checked    ${entries} entries, ${documents} documents${aside}`);
  }
}

const LABELS: Readonly<Record<BackupStage, string>> = {
  copy: "copy  ",
  hash: "sha256",
  file: "file  ",
  rows: "verify",
};

/** One bar after the other. */
async function withBars<T>(
  terminal: Terminal,
  work: (progress: BackupProgress) => Promise<T>,
): Promise<T> {
  let bar: Progress | undefined;
  let shown: BackupStage | undefined;
  try {
    return await work((stage, done, total) => {
      if (stage !== shown) {
        bar?.stop();
        shown = stage;
        bar = startProgress({ terminal, clock: systemClock }, { label: LABELS[stage], total });
      }
      bar?.update(done, noteOf(stage, done, total));
    });
  } finally {
    bar?.stop();
  }
}

function noteOf(stage: BackupStage, done: number, total: number): string {
  if (stage === "file") return "the engine's own check";
  if (stage === "rows") return `${done} of ${total} entries and documents`;
  return `${Math.floor(done / MIB)} of ${Math.ceil(total / MIB)} MiB`;
}
