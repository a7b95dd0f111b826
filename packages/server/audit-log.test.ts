import { appendFileSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { MemoryLog, limits } from "@atoll/core";
import { AuditLog } from "./audit-log.ts";

let directory: string;
let log: MemoryLog;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "atoll-audit-"));
  log = new MemoryLog();
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const entry = (n: number) => ({
  at: new Date(n * 1_000).toISOString(),
  who: "key:ada",
  from: "127.0.0.1",
  what: `PUT /admin/v1/peers/r${n}/state`,
  detail: { state: "paused" },
  status: 200,
  requestId: `r${n}`,
});

test("keeps one JSON line for each, for its owner alone, newest first when it is read", () => {
  const audit = new AuditLog({ directory, log });
  for (const n of [1, 2, 3]) audit.record(entry(n));
  const path = join(directory, "audit.log");
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([1, 2, 3].map(entry));
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(audit.list(2)).toEqual([entry(3), entry(2)]);
  expect(log.lines.filter(({ event }) => event === "audit")).toHaveLength(3);
});

test("goes on where an earlier process ended, and passes over a line that a crash cut off", () => {
  new AuditLog({ directory, log }).record(entry(1));
  appendFileSync(join(directory, "audit.log"), '{"at":"cut o\n');
  const audit = new AuditLog({ directory, log });
  audit.record(entry(2));
  expect(audit.list(10)).toEqual([entry(2), entry(1)]);
});

test("is bounded: files are turned over, and the oldest go", () => {
  const bytesMax = 3 * JSON.stringify(entry(1)).length;
  const audit = new AuditLog({ directory, log, bytesMax });
  const count = 4 * limits.AUDIT_LOGS_KEPT;
  for (let n = 1; n <= count; n++) audit.record(entry(n));
  const files = readdirSync(directory);
  expect(files).toHaveLength(limits.AUDIT_LOGS_KEPT);
  for (const file of files)
    expect(statSync(join(directory, file)).size).toBeLessThanOrEqual(bytesMax);
  const kept = audit.list(1_000);
  expect(kept[0]).toEqual(entry(count));
  expect(kept).toEqual(kept.map((_, i) => entry(count - i)));
});

test("that cannot be written says so and stops nobody", () => {
  const audit = new AuditLog({ directory: join(directory, "gone"), log });
  expect(() => audit.record(entry(1))).not.toThrow();
  expect(log.lines.map(({ event }) => event)).toEqual(["audit", "audit-not-written"]);
});
