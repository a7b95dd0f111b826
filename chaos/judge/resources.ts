/**
 * C6: is given back what a fault has cost? What a region holds of memory and of log, before and after.
 *
 * Memory without V8's young generation (`footprint.ts` says why). In 100 s at 50 writes a second a region grew from 244 to
 * 335 MiB resident: 65 of them in one step when the young generation doubled, 9 in Automerge's memory, the rest in code and
 * while it read all it has stored; what was alive after a collection fell from 48 to 43 MiB meanwhile.
 */
import type { Footprint } from "../fleet/footprint.ts";

const MIB = 1024 * 1024;
/**
 * A tenth more than before, or this much: 64 MiB of pages that SQLite may keep and that come one by one, and 32 of a young
 * generation that V8 had taken before and not yet touched.
 */
const MEMORY_SLACK_BYTES = 96 * MIB;
/** What SQLite may keep of a log that it has emptied, and what one checkpoint leaves behind. */
const WAL_SLACK_BYTES = 8 * MIB;

export interface ResourceVerdict {
  readonly ok: boolean;
  readonly detail: string;
}

export function compareFootprints(
  before: readonly Footprint[],
  after: readonly Footprint[],
): ResourceVerdict {
  const rows = after.map((now) => {
    const then = before.find(({ region }) => region === now.region);
    const memory = within(heldBytes(then), heldBytes(now), MEMORY_SLACK_BYTES);
    const wal = within(then?.walBytes, now.walBytes, WAL_SLACK_BYTES);
    const detail =
      `${now.region}: ${mib(heldBytes(then))} → ${mib(heldBytes(now))} MiB held, ` +
      `${mib(then?.youngBytes)} → ${mib(now.youngBytes)} young, ` +
      `WAL ${mib(then?.walBytes)} → ${mib(now.walBytes)}`;
    return { ok: memory && wal, detail };
  });
  const bound = `bound +10 % or +${MEMORY_SLACK_BYTES / MIB} MiB held, WAL +${WAL_SLACK_BYTES / MIB} MiB`;
  return {
    ok: rows.length > 0 && rows.every(({ ok }) => ok),
    detail: [...rows.map((row) => row.detail), bound].join("; "),
  };
}

/** Resident, without what V8 holds for the young. */
function heldBytes(footprint: Footprint | undefined): number | undefined {
  const { residentBytes, youngBytes } = footprint ?? {};
  if (residentBytes === undefined || youngBytes === undefined) return undefined;
  return residentBytes - youngBytes;
}

function within(before: number | undefined, now: number | undefined, slack: number): boolean {
  if (before === undefined || now === undefined) return false;
  return now <= Math.max(before * 1.1, before + slack);
}

function mib(bytes: number | undefined): string {
  return bytes === undefined ? "?" : (bytes / MIB).toFixed(1);
}
