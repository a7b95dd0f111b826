import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Hlc, Origin, RegionCode } from "@atoll/core";
import { toHex } from "@atoll/core";
import { encodeMessage } from "./codec.ts";
import { PROTOCOL_VERSION } from "./version.ts";

test("the worked exchange of PROTOCOL.md shows the bytes that are sent", () => {
  const frame = encodeMessage(
    {
      kind: "heartbeat",
      full: false,
      vector: new Map([[1 as RegionCode, (2 ** 44) as Hlc]]),
      lanes: [{ shard: 5, origin: 0x4000deadbeef as Origin, contig: 3 }],
      sentMs: 1000,
      echoMs: 0,
    },
    PROTOCOL_VERSION,
  );
  const page = readFileSync(join(import.meta.dirname, "PROTOCOL.md"), "utf8");
  const example = page.slice(page.indexOf("## Worked exchange")).split("```")[1] ?? "";
  const bytes = example
    .trim()
    .split("\n")
    .map((line) => /^([0-9a-f]{2}(?: [0-9a-f]{2})*)(?: {2}|$)/.exec(line)?.[1] ?? "")
    .join(" ");
  expect(bytes.replaceAll(" ", "")).toBe(toHex(frame));
});
