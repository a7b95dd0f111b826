/**
 * A process that dies at a chosen point, as a power cut would end it: no handler runs, nothing is said.
 *
 *     node --import "…/crash-points.fixture.ts?point=after-commit&count=17" atoll.mjs serve …
 *
 * Loaded before the program by whoever tests it, and by nobody else: the program has no such door.
 */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import Database from "better-sqlite3";

export const CRASH_POINTS = [
  "in-transaction",
  "before-commit",
  "after-commit",
  "after-sync",
] as const;
export type CrashPoint = (typeof CRASH_POINTS)[number];

const asked = new URL(import.meta.url).searchParams;
const point = asked.get("point");
let left = Number(asked.get("count"));

function pass(here: CrashPoint): void {
  if (here === point && --left === 0) process.kill(process.pid, "SIGKILL");
}

if (point !== null) {
  const { prototype } = Database;
  /* eslint-disable @typescript-eslint/unbound-method -- each is called on the database it was called on */
  const exec = prototype.exec;
  prototype.exec = function (this: Database.Database, sql: string) {
    if (sql === "COMMIT") pass("before-commit");
    const result = exec.call(this, sql);
    if (sql === "COMMIT") pass("after-commit");
    return result;
  };
  const { fdatasync } = fs;
  fs.fdatasync = ((file: number, done: fs.NoParamCallback) =>
    fdatasync(file, (error) => {
      pass("after-sync");
      done(error);
    })) as typeof fdatasync;
  syncBuiltinESMExports();
  const prepare = prototype.prepare as (this: Database.Database, sql: string) => Database.Statement;
  prototype.prepare = function (this: Database.Database, sql: string) {
    const statement = prepare.call(this, sql);
    if (!sql.startsWith("INSERT INTO log (")) return statement;
    const run = statement.run.bind(statement);
    statement.run = (...values: unknown[]) => {
      const result = run(...values);
      pass("in-transaction");
      return result;
    };
    return statement;
  } as typeof prototype.prepare;
}
