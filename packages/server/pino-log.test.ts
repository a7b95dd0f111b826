import { expect, test } from "vitest";
import { ManualClock } from "@atoll/core";
import { createPinoLog } from "./pino-log.ts";

function logTo(lines: string[], level: "debug" | "warn" = "debug") {
  const clock = new ManualClock(Date.UTC(2026, 0, 31, 12));
  const destination = { write: (line: string) => void lines.push(line) };
  return createPinoLog({ level, self: "us-east-1", clock, destination });
}

test("an event is one line of JSON with its name, level, time, region and fields", () => {
  const lines: string[] = [];
  logTo(lines).info("link-up", { peer: "eu-west-1", bytes: 12n });
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    {
      level: "info",
      time: "2026-01-31T12:00:00.000Z",
      self: "us-east-1",
      event: "link-up",
      peer: "eu-west-1",
      bytes: "12",
    },
  ]);
});

test("an error keeps its message, its stack and its cause", () => {
  const lines: string[] = [];
  logTo(lines).error("failed", { error: new Error("outer", { cause: new Error("inner") }) });
  const { error } = JSON.parse(lines[0] ?? "") as { error: { message: string; stack: string } };
  expect(error.message).toContain("outer");
  expect(error.stack).toContain("inner");
});

test("what is below the level is not written", () => {
  const lines: string[] = [];
  logTo(lines, "warn").info("nothing");
  expect(lines).toEqual([]);
});
