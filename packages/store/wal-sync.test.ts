import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { InvariantError, systemClock } from "@atoll/core";
import { WalSync } from "./wal-sync.ts";

let directory: string;
let path: string;
let seen: string[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "atoll-wal-"));
  path = join(directory, "atoll.db-wal");
  writeFileSync(path, "frames");
  seen = [];
});
afterEach(() => rmSync(directory, { recursive: true }));

const note = (what: string) => (): void => void seen.push(what);

describe("the log is synced", () => {
  test("beside the thread; commits are called durable in their order", async () => {
    const log = new WalSync(path);
    log.soon(note("first"));
    log.soon(note("second"));
    log.soon(note("third"));
    expect(seen).toEqual([]);
    await new Promise<void>((resolve) => log.soon(resolve));
    expect(seen).toEqual(["first", "second", "third"]);
    log.close();
  });

  test("at once for whoever cannot wait; who waits is called first, and not again", async () => {
    const log = new WalSync(path);
    log.soon(note("first"));
    log.soon(note("second"));
    log.now();
    expect(seen).toEqual(["first", "second"]);
    await new Promise<void>((resolve) => log.soon(resolve));
    expect(seen).toEqual(["first", "second"]);
    log.close();
  });

  test("no more once it is closed", async () => {
    const log = new WalSync(path);
    log.soon(note("never"));
    log.close();
    log.close();
    const other = new WalSync(path);
    await new Promise<void>((resolve) => other.soon(resolve));
    await new Promise<void>((resolve) => systemClock.afterTurn(resolve));
    expect(seen).toEqual([]);
    other.close();
  });
});

describe("a disk that does not confirm", () => {
  const unsyncable = "/dev/null"; // EINVAL

  test("is no ordinary failure", () => {
    expect(() => new WalSync(unsyncable).now()).toThrow(InvariantError);
  });

  test("ends the process, and nothing is called durable", () => {
    const program = `
      import { WalSync } from ${JSON.stringify(import.meta.resolve("./wal-sync.ts"))};
      process.once("uncaughtException", (error) => console.log(error.name));
      new WalSync("${unsyncable}").soon(() => console.log("durable"));`;
    const said = execFileSync(process.execPath, ["--input-type=module", "--eval", program]);
    expect(String(said).trim()).toBe("InvariantError");
  });
});
