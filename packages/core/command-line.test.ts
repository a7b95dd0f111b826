// How the programs that `npm run` starts understand their arguments.
import { expect, test } from "vitest";
import { readCommandLine } from "./command-line.ts";

const config = { allowPositionals: true, options: { seeds: { type: "string" } } } as const;

test("arguments are read", () => {
  expect(readCommandLine(config, ["all", "--seeds", "3"])).toMatchObject({
    values: { seeds: "3" },
    positionals: ["all"],
  });
});

test("whoever asks for help gets it, whatever else is said", () => {
  expect(readCommandLine(config, ["--sheeds", "--help"])).toBe("help");
});

test.each([
  [["--sheeds"], "Unknown option '--sheeds'"],
  [["--seeds"], "Option '--seeds <value>' argument missing"],
])("%s is a fault, not a stack trace", (args, fault) => {
  expect(readCommandLine(config, args)).toEqual({ fault });
});
