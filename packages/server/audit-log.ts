/**
 * Who changed what in this region by its admin listener, and how it ended: one JSON line each, in `audit.log`
 * beside the data.
 *
 *     {"at":"…","who":"key:ada","from":"10.0.0.7","what":"PUT /admin/v1/peers/eu-west-1/state",
 *      "detail":{"state":"paused"},"status":200,"requestId":"…"}
 *
 * Attempts that were refused are in it too. It is written before the answer is sent, and never refuses what
 * it cannot write: on a full disk an operator must still be able to act. Then the line is in the process'
 * own log, as every line is. Bounded: the file is turned over at its size, and a few of the old are kept.
 */
import { appendFileSync, existsSync, readFileSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Log } from "@atoll/core";
import { errorText, limits } from "@atoll/core";
import type { AuditEntry, AuditService } from "@atoll/gateway";

export interface AuditLogOptions {
  readonly directory: string;
  readonly log: Log;
  readonly bytesMax?: number;
}

export class AuditLog implements AuditService {
  readonly #directory: string;
  readonly #log: Log;
  readonly #bytesMax: number;
  #bytes: number;

  constructor({ directory, log, bytesMax = limits.AUDIT_LOG_BYTES_MAX }: AuditLogOptions) {
    this.#directory = directory;
    this.#log = log;
    this.#bytesMax = bytesMax;
    this.#bytes = sizeOf(this.#path(0));
  }

  record(entry: AuditEntry): void {
    this.#log.info("audit", { ...entry });
    const line = `${JSON.stringify(entry)}\n`;
    try {
      if (this.#bytes + line.length > this.#bytesMax) this.#turnOver();
      appendFileSync(this.#path(0), line, { mode: 0o600 });
      this.#bytes += line.length;
    } catch (error) {
      this.#log.error("audit-not-written", { reason: errorText(error) });
    }
  }

  /** Newest first. */
  list(limit: number): readonly AuditEntry[] {
    const entries: AuditEntry[] = [];
    for (let age = 0; age < limits.AUDIT_LOGS_KEPT && entries.length < limit; age++) {
      const path = this.#path(age);
      if (existsSync(path)) entries.push(...entriesIn(path).reverse());
    }
    return entries.slice(0, limit);
  }

  #turnOver(): void {
    for (let age = limits.AUDIT_LOGS_KEPT - 2; age >= 0; age--) {
      if (existsSync(this.#path(age))) renameSync(this.#path(age), this.#path(age + 1));
    }
    this.#bytes = 0;
  }

  /** 0 is the one that is written. */
  #path(age: number): string {
    return join(this.#directory, age === 0 ? "audit.log" : `audit.${age}.log`);
  }
}

function sizeOf(path: string): number {
  return existsSync(path) ? statSync(path).size : 0;
}

/** A line that was cut off by a crash is left out. */
function entriesIn(path: string): AuditEntry[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .flatMap((line) => {
      try {
        return line === "" ? [] : [JSON.parse(line) as AuditEntry];
      } catch {
        return [];
      }
    });
}
