/**
 * One target in a process of its own, for `main.ts` to watch: it may be killed by what it is fed.
 *
 *     child TARGET SEED FILE        FILE always holds the input that is being tried
 *
 * Time is measured as processor time, because the machine has others to serve, and says nothing of an input that
 * never ends: for that the parent listens for signs of life.
 */
import { writeFileSync } from "node:fs";
import { SeededRandom, must, systemClock } from "@atoll/core";
import { addToCorpus, corpusOf } from "./corpus.ts";
import { faultOf } from "./judge.ts";
import { INPUT_BYTES_MAX, INPUT_MICROS_MAX } from "./target.ts";
import { TARGETS } from "./targets.ts";

const WARM_UP_INPUTS = 20;
/** Often enough for the parent's patience, seldom enough to cost nothing. */
const SIGN_OF_LIFE_MS = 1_000;
/** Mutants of mutants reach further; but not for ever. */
const KEPT_MAX = 200;

export type FromChild =
  | { readonly kind: "alive"; readonly inputs: number }
  | { readonly kind: "finding"; readonly what: string; readonly file: string };

const [, , name, seed, current] = process.argv;
const target = must(
  TARGETS.find((other) => other.name === name),
  "a target",
);
const random = new SeededRandom(must(seed, "a seed"));
const open = await target.open();
const kept = [...open.seeds, ...corpusOf(target.name).map(({ bytes }) => bytes)];

process.on("disconnect", () => process.exit(0));
let saidMs = -Infinity;
for (let inputs = 0; ; inputs++) {
  if (systemClock.monotonicMs() - saidMs > SIGN_OF_LIFE_MS) {
    saidMs = systemClock.monotonicMs();
    send({ kind: "alive", inputs });
    await new Promise<void>((resolve) => systemClock.afterTurn(resolve));
  }
  const from = must(kept[random.below(kept.length)], "an input");
  const input = open.mutate(from, random).subarray(0, INPUT_BYTES_MAX); // those that are kept would grow for ever
  writeFileSync(must(current, "a file"), input);
  const microsMax = target.microsMax ?? INPUT_MICROS_MAX;
  const what = await faultOf(open, input, inputs < WARM_UP_INPUTS ? Infinity : microsMax);
  if (what !== undefined) {
    send({ kind: "finding", what, file: addToCorpus(target.name, input) });
  }
  if (kept.length < KEPT_MAX && random.below(20) === 0) kept.push(input);
}

function send(message: FromChild): void {
  process.send?.(message);
}
