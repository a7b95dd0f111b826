// The examples of PROTOCOL.md are the bytes that are sent.
import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Hlc, LogEntry, Origin, RegionCode } from "@atoll/core";
import { VECTOR_ZERO, limits, mustChangeHash, mustDocId, toHex } from "@atoll/core";
import { encodeMessage } from "./codec.ts";
import { PROTOCOL_VERSION } from "./version.ts";

const origin = 0x4000deadbeef as Origin;

/** The bytes in the n-th block of the page's worked exchange. */
function example(n: number): string {
  const page = readFileSync(join(import.meta.dirname, "PROTOCOL.md"), "utf8");
  const block = page.slice(page.indexOf("## Worked exchange")).split("```")[2 * n - 1] ?? "";
  const bytes = block
    .trim()
    .split("\n")
    .map((line) => /^((?:[0-9a-f]{2} ?)+)(?: {2}|$)/.exec(line)?.[1] ?? "");
  return bytes.join("").replaceAll(" ", "");
}

function entryOf(seq: number, hlc: number, dep: LogEntry["dep"]): LogEntry {
  const change = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, seq - 3);
  const name = mustChangeHash(hash("sha256", change.subarray(8), "buffer"));
  const docId = mustDocId(new Uint8Array(16).fill(1));
  const about = { shard: 5, origin, seq, hlc: hlc as Hlc, docId, dep };
  return { ...about, hash: name, change, containers: [] };
}

test("the heartbeat of PROTOCOL.md's worked exchange shows the bytes that are sent", () => {
  const frame = encodeMessage(
    {
      kind: "heartbeat",
      full: false,
      vector: new Map([[1 as RegionCode, (2 ** 44) as Hlc]]),
      lanes: [{ shard: 5, origin, contig: 3 }],
      sentMs: 1000,
      echoMs: 0,
      grantBytes: limits.LINK_CREDIT_BYTES,
    },
    PROTOCOL_VERSION,
  );
  expect(example(1)).toBe(toHex(frame));
});

test("so do its batch and its NEED", () => {
  const entries = [
    entryOf(4, 2 ** 44, new Map([[2 as RegionCode, (2 ** 44 - 1024) as Hlc]])),
    entryOf(5, 2 ** 44 + 1, VECTOR_ZERO),
  ];
  const batch = encodeMessage(
    { kind: "batch", repair: false, answer: false, entries },
    PROTOCOL_VERSION,
  );
  const ranges = [{ shard: 5, origin, lo: 1, hi: 3, open: true }];
  const need = encodeMessage({ kind: "need", id: 7, oldestFirst: true, ranges }, PROTOCOL_VERSION);
  expect(example(2)).toBe(toHex(batch) + toHex(need));
});
