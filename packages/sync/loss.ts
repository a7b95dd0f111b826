/**
 * Why a region is not linked any more, told apart so that two sides' words together name the cut.
 *
 *     silence           nothing came from there for too long      they ─╳─▶ us, or they are gone
 *     unheard           they heard nothing of us, and said so     us ─╳─▶ they, and they ──▶ us worked
 *     paused            an operator paused the link, here
 *     paused-by-peer    or there
 *     left              they are stopping, in order
 *     refused           one side found a fault in what the other is or says
 *     broken            the connection ended: a process died, a cable, a firewall that resets
 *     reset             we ended all links ourselves, and begin afresh
 *
 * A link that is cut in silence looks the same from one side whichever direction is cut. Who hears nothing
 * says so before hanging up, and where that arrives the two sides differ: that is how a one-way cut is seen.
 */
import type { RefusalCode } from "./messages.ts";

export type LossCause =
  "silence" | "unheard" | "paused" | "paused-by-peer" | "left" | "refused" | "broken" | "reset";

export interface Loss {
  readonly cause: LossCause;
  readonly detail: string;
  /** Monotonic. */
  readonly atMs: number;
}

interface Reason {
  readonly code: RefusalCode;
  readonly detail: string;
}

const SILENT = "silent for";

/** What is told to a peer of which nothing was heard; the words are part of the protocol by now. */
export function silenceText(ms: number): string {
  return `${SILENT} ${Math.round(ms)} ms`;
}

/** We ended it. */
export function causeOfRefusing({ code, detail }: Reason): LossCause {
  if (detail.startsWith(SILENT)) return "silence";
  if (code === "paused") return "paused";
  return code === "leaving" || code === "duplicate" ? "reset" : "refused";
}

/** They ended it. */
export function causeOfBeingRefused({ code, detail }: Reason): LossCause {
  if (detail.startsWith(SILENT)) return "unheard";
  if (code === "paused") return "paused-by-peer";
  return code === "leaving" || code === "duplicate" ? "left" : "refused";
}
