// A crew of processes: order, deaths and ends; and a campaign that says the same of its seeds whoever ran them.
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { campaign } from "./campaign.ts";
import type { Errand } from "./crew-member.fixture.ts";
import type { Answer } from "./crew.ts";
import { sideBySide } from "./crew.ts";

const member = join(import.meta.dirname, "crew-member.fixture.ts");
const directory = mkdtempSync(join(tmpdir(), "crew-"));
/** Seeds whose runs are short. */
const SHORT = ["0x1a", "0x29"];

function crewOf(size: number, errands: readonly Errand[]): AsyncGenerator<Answer<string>> {
  const perform = ({ word }: Errand): Promise<string> => Promise.resolve(`${word} at home`);
  return sideBySide<Errand, string>(errands, { size, member, perform });
}

async function wordsOf(answers: AsyncGenerator<Answer<string>>): Promise<string[]> {
  const words: string[] = [];
  for await (const answer of answers) {
    words.push(answer.kind === "done" ? answer.result : `lost: ${answer.how}`);
  }
  return words;
}

describe("a crew", () => {
  test("answers in the order of its tasks, whichever is done first", async () => {
    const begun = join(directory, "three");
    const errands = [
      { word: "one", after: begun },
      { word: "two" },
      { word: "three", begins: begun },
    ];
    expect(await wordsOf(crewOf(2, errands))).toEqual(["one", "two", "three"]);
  });

  test("says which task a member took along when it died, and does the others", async () => {
    const errands = [{ word: "a" }, { word: "b", dies: true }, { word: "c" }] as const;
    expect(await wordsOf(crewOf(2, errands))).toEqual(["a", "lost: SIGKILL", "c"]);
  });

  test("ends with whoever listens", async () => {
    const begins = join(directory, "two");
    const never = join(directory, "never");
    const answers = crewOf(2, [
      { word: "one", after: begins },
      { word: "two", begins, after: never },
    ]);
    expect((await answers.next()).value).toEqual({ kind: "done", result: "one" });
    await answers.return(undefined);
    const left = Number(readFileSync(begins, "utf8"));
    await vi.waitFor(() => expect(() => process.kill(left, 0)).toThrow("ESRCH"), 10_000);
  });

  test("of one is this process", async () => {
    expect(await wordsOf(crewOf(1, [{ word: "one" }]))).toEqual(["one at home"]);
  });
});

describe("a campaign", () => {
  test("says the same of its seeds in one process and in two", async () => {
    const tallied = async (jobs: number) => {
      const tally = await campaign({ seeds: SHORT, failuresMax: 1, jobs });
      return { ...tally, wallMs: 0, cpuMs: 0, marks: [...tally.marks].sort() };
    };
    expect(await tallied(2)).toEqual(await tallied(1));
  });

  test("stops at the first seed that fails, in their order", async () => {
    const bug = "acknowledges-before-commit";
    const about = { seeds: ["0x1", ...SHORT], bug, failuresMax: 1, jobs: 2 };
    const { failures, seeds } = await campaign(about);
    expect(failures.map(({ seed }) => seed)).toEqual(["0x1"]);
    expect(seeds).toBe(1);
  });

  test("names the seed with which a process ended", async () => {
    const about = { seeds: SHORT, bug: "one that is not there", failuresMax: 2, jobs: 2 };
    const { failures, passed } = await campaign(about);
    const lost = {
      checker: "process-lives",
      message: expect.stringContaining("exit code") as string,
    };
    expect(failures).toMatchObject(SHORT.map((seed) => ({ seed, violation: lost })));
    expect(passed).toBe(0);
  });
});
