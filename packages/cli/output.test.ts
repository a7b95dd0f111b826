// One answer in every form; and no command that knows only some of them.
import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { createProgram } from "./main.ts";
import { DATA_FORMS, outputOption, printData, printEvent } from "./output.ts";
import { MemoryTerminal } from "./terminal.ts";

function printed(print: (terminal: MemoryTerminal) => void): string {
  const terminal = new MemoryTerminal();
  print(terminal);
  return terminal.printed.join("\n");
}

const shared = { at: "2026-01-01T00:00:00.000Z" };
const answer = {
  region: "us-east-1",
  ready: true,
  word: "no",
  ["a key: with #"]: null,
  peers: [{ ...shared, lag: 1.5 }, shared, shared],
  unknown: undefined,
  long: "word ".repeat(60),
};
const expected = JSON.parse(JSON.stringify(answer)) as unknown;

describe("an answer", () => {
  test("is the same in JSON, YAML and a line of JSON", () => {
    const json = printed((terminal) => printData(terminal, "json", answer));
    const yaml = printed((terminal) => printData(terminal, "yaml", answer));
    const line = printed((terminal) => printData(terminal, "ndjson", answer));
    expect(JSON.parse(json)).toEqual(expected);
    expect(parse(yaml)).toEqual(expected);
    expect(JSON.parse(line)).toEqual(expected);
    expect(line.split("\n")).toHaveLength(1);
  });

  test("means the same to readers of YAML 1.1, and repeats what is said twice", () => {
    const yaml = printed((terminal) => printData(terminal, "yaml", answer));
    expect(parse(yaml, { version: "1.1" })).toEqual(expected);
    expect(yaml).not.toMatch(/[&*]a1/);
    expect(yaml).toContain("\nready: true\n");
  });

  test("that is a list, or an envelope around one, is a line for each element", () => {
    const list = [{ id: 1 }, { id: 2 }];
    const lines = '{"id":1}\n{"id":2}';
    expect(printed((terminal) => printData(terminal, "ndjson", list))).toBe(lines);
    const total = { total: 2, entries: list };
    expect(printed((terminal) => printData(terminal, "ndjson", total, list))).toBe(lines);
    expect(printed((terminal) => printData(terminal, "ndjson", []))).toBe("");
    const whole = printed((terminal) => printData(terminal, "yaml", total, list));
    expect(parse(whole)).toEqual(total);
  });
});

test("events are a line each, in YAML a document each", () => {
  for (const form of ["json", "ndjson"] as const) {
    const lines = printed((terminal) => {
      for (const n of [1, 2]) printEvent(terminal, form, { n });
    });
    expect(lines).toBe('{"n":1}\n{"n":2}');
  }
  const stream = printed((terminal) => {
    for (const n of [1, 2]) printEvent(terminal, "yaml", { n });
  });
  const documents = parseAllDocuments(stream) as { toJS(): unknown }[];
  expect(documents.map((document) => document.toJS())).toEqual([{ n: 1 }, { n: 2 }]);
});

test("every command that has forms has all of them, and says so in its help", () => {
  const program = createProgram({ terminal: new MemoryTerminal(), end: () => undefined });
  const all = (command: Command): Command[] => [command, ...command.commands.flatMap(all)];
  const formed = all(program).flatMap((command) => {
    const option = command.options.find(({ long }) => long === "--output");
    return option === undefined ? [] : [{ name: command.name(), option }];
  });
  expect(formed.length).toBeGreaterThan(20);
  for (const { name, option } of formed) {
    expect([name, option.argChoices?.slice(1), option.description]).toEqual([
      name,
      [...DATA_FORMS],
      outputOption(option.defaultValue as "table").description,
    ]);
  }
});
