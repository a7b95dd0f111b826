/**
 * `npm run fuzz`: feeds every door with bytes that mean harm, watches from outside, and keeps what it finds.
 *
 * A finding is an input after which the door threw what is no typed error, broke its promise, took more than
 * 250 ms of processor time, gave no sign of life, or took its process along. It is put into the corpus, which
 * every test run replays. Exit code 1 when there was one.
 */
import { fork } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { commandLine, must, refuseUsage, systemClock, systemRandom, toHex } from "@atoll/core";
import type { FromChild } from "./child.ts";
import { addToCorpus } from "./corpus.ts";
import { faultOf } from "./judge.ts";
import type { FuzzTarget } from "./target.ts";
import { INPUT_MICROS_MAX } from "./target.ts";
import { TARGETS } from "./targets.ts";

const SECONDS_DEFAULT = 60;
/** Much more than any input may take, on a machine that others use too. */
const SILENCE_MS_MAX = 30_000;
const START_MS_MAX = 60_000;
const FINDINGS_SHOWN = 5;

const USAGE = `npm run fuzz -- --seconds 60              all targets, a sixth of the time each
                [--target T]              one of them
                [--seed S]                the same inputs again
npm run fuzz -- --replay FILE --target T  one input, in this process

${TARGETS.map(({ name, summary }) => `  ${name.padEnd(10)}${summary}`).join("\n")}
`;

const { values } = commandLine(
  {
    options: {
      seconds: { type: "string", default: String(SECONDS_DEFAULT) },
      target: { type: "string" },
      seed: { type: "string", default: toHex(systemRandom.bytes(4)) },
      replay: { type: "string" },
    },
  },
  USAGE,
);

process.exitCode = await main();

async function main(): Promise<number> {
  const targets = TARGETS.filter(
    ({ name }) => values.target === undefined || name === values.target,
  );
  const seconds = Number(values.seconds);
  if (targets.length === 0) return refuseUsage(`no target ${values.target ?? ""}`, USAGE);
  if (!(seconds > 0)) return refuseUsage("--seconds wants a number", USAGE);
  if (values.replay !== undefined) return replay(must(targets[0], "a target"), values.replay);
  process.stdout.write(`seed ${values.seed}\n`);
  let findings = 0;
  for (const target of targets) findings += await fuzz(target, (1_000 * seconds) / targets.length);
  process.stdout.write(findings === 0 ? "no findings\n" : `${findings} findings, see corpus/\n`);
  return findings === 0 ? 0 : 1;
}

/** So many findings; the child is started again when an input took it along. */
async function fuzz(target: FuzzTarget, forMs: number): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), "atoll-fuzz-run-"));
  const current = join(directory, "input");
  const untilMs = systemClock.monotonicMs() + forMs;
  const found = new Map<string, string>();
  let inputs = 0;
  try {
    for (let life = 0; life === 0 || systemClock.monotonicMs() < untilMs; life++) {
      const seed = `${values.seed}.${target.name}.${life}`;
      const leftMs = Math.max(1, untilMs - systemClock.monotonicMs());
      const lived = await live([target.name, seed, current], leftMs, (what, file) => {
        const known = what.split("\n")[0] ?? what;
        if (!found.has(known)) tellFinding(target, what, file, found.size);
        found.set(known, file);
      });
      inputs += lived.inputs;
      if (lived.died === undefined) break;
      if (!existsSync(current)) throw new Error(`${target.name} does not start: ${lived.died}`);
      found.set(lived.died, addToCorpus(target.name, readFileSync(current)));
      tellFinding(target, lived.died, must(found.get(lived.died), "a file"), found.size);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  process.stdout.write(`${target.name.padEnd(10)}${inputs} inputs, ${found.size} findings\n`);
  return found.size;
}

interface Lived {
  readonly inputs: number;
  /** How it ended, when not by us. */
  readonly died: string | undefined;
}

function live(
  args: readonly string[],
  forMs: number,
  finding: (what: string, file: string) => void,
): Promise<Lived> {
  const child = fork(join(import.meta.dirname, "child.ts"), args, {
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let words = "";
  let inputs = 0;
  let ended: string | undefined;
  child.stderr?.on("data", (chunk: Buffer) => (words = (words + chunk.toString()).slice(-4_000)));
  const end = (why: string | undefined) => () => {
    ended = why;
    child.kill("SIGKILL");
  };
  let silence = systemClock.after(START_MS_MAX, end("it gave no sign of life from the start"));
  let over: { cancel(): void } | undefined;
  child.on("message", (message) => {
    const said = message as FromChild;
    over ??= systemClock.after(forMs, end(undefined));
    silence.cancel();
    silence = systemClock.after(SILENCE_MS_MAX, end("it gave no sign of life"));
    if (said.kind === "alive") inputs = said.inputs;
    else finding(said.what, said.file);
  });
  return new Promise((resolve) => {
    child.once("exit", (code, signal) => {
      silence.cancel();
      over?.cancel();
      const isOurs = signal === "SIGKILL";
      const died = isOurs ? ended : `its process ended, ${code ?? signal}: ${words}`;
      resolve({ inputs, died });
    });
  });
}

async function replay(target: FuzzTarget, file: string): Promise<number> {
  const open = await target.open();
  const fault = await faultOf(open, readFileSync(file), target.microsMax ?? INPUT_MICROS_MAX);
  process.stdout.write(`${fault ?? "all promises were kept"}\n`);
  await open.close();
  return fault === undefined ? 0 : 1;
}

function tellFinding({ name }: FuzzTarget, what: string, file: string, before: number): void {
  if (before < FINDINGS_SHOWN) process.stdout.write(`${name}: ${what}\n  ${file}\n`);
}
