/**
 * Acknowledged writes that a concurrent one overrode: what a feed says when a change arrives that won
 * over another, or lost to it.
 *
 * Nothing is kept for it. The change that made the two meet is in the log, and the document knows what
 * lost where; so whoever follows the feed is told with that change, in every region alike, and whoever
 * reads the same page again is told again, unless somebody has settled it since.
 */
import type { ProfileId } from "@atoll/core";
import { limits } from "@atoll/core";
import { Past } from "./past.ts";
import type { Replica } from "./replica.ts";

/** A write, by the change that made it. */
export interface NamedWrite {
  /** Hexadecimal. */
  readonly change: string;
  /** Undefined when it was written by no region of this cluster. */
  readonly region: string | undefined;
  readonly writtenAtMs: number;
}

export interface Superseded {
  readonly pointer: string;
  readonly lost: NamedWrite;
  /** Undefined where what is shown is a container, which nobody in particular made. */
  readonly winner: NamedWrite | undefined;
}

/** `arrived`: the changes that are being told of. Throws document-quarantined. */
export function supersededBy(
  replica: Replica,
  id: ProfileId,
  arrived: ReadonlySet<string>,
): readonly Superseded[] {
  const conflicts = Past.of(replica, id, (past) => past.conflicts()) ?? [];
  const found: Superseded[] = [];
  for (const { pointer, values } of conflicts) {
    const [shown, ...others] = values;
    const winner = shown?.writer;
    for (const { writer } of others) {
      if (writer === undefined || writer.hash === winner?.hash) continue;
      const isNews = arrived.has(writer.hash) || (winner !== undefined && arrived.has(winner.hash));
      if (isNews) found.push({ pointer, lost: named(writer), winner: winner && named(winner) });
    }
  }
  return found.slice(0, limits.FEED_SUPERSEDED_MAX);
}

function named(writer: {
  readonly hash: string;
  readonly region: string | undefined;
  readonly timeMs: number;
}): NamedWrite {
  return { change: writer.hash, region: writer.region, writtenAtMs: writer.timeMs };
}
