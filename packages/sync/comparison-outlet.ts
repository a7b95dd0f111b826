/**
 * What a comparison says to a peer: messages, and the changes that it was found to lack. A repair is an
 * ordinary batch, marked so that the receiver looks into the document and not only into its log.
 */
import type { LogEntry, RegionCode } from "@atoll/core";
import { isPlaceless, regionByCode } from "@atoll/core";
import { encodeMessage } from "./codec.ts";
import type { SyncEffect } from "./effects.ts";
import { batchesOf } from "./gossip.ts";
import type { ComparisonMessage } from "./messages.ts";
import type { Peers } from "./peers.ts";
import type { SyncView } from "./sync-view.ts";

export class ComparisonOutlet {
  readonly #view: SyncView;
  readonly #peers: Pick<Peers, "linkTo" | "versionOf">;

  constructor(view: SyncView, peers: Pick<Peers, "linkTo" | "versionOf">) {
    this.#view = view;
    this.#peers = peers;
  }

  /** Both ends know what to do where the log is trimmed. */
  speaksOfTrimming(peer: RegionCode): boolean {
    return this.#peers.linkTo(peer) !== undefined && this.#peers.versionOf(peer) > 2;
  }

  /** Returns the size of the frame; 0 when there is no link. */
  send(peer: RegionCode, message: ComparisonMessage, out: SyncEffect[]): number {
    const link = this.#peers.linkTo(peer);
    if (link === undefined) return 0;
    const frame = encodeMessage(message, this.#peers.versionOf(peer));
    out.push({ kind: "send", link, frame });
    return frame.length;
  }

  repair(peer: RegionCode, entries: readonly LogEntry[], out: SyncEffect[]): void {
    const link = this.#peers.linkTo(peer);
    const version = this.#peers.versionOf(peer);
    const understood = version > 2 ? entries : entries.filter((entry) => !isPlaceless(entry));
    if (link === undefined || understood.length === 0) return;
    for (const batch of batchesOf(understood)) {
      const frame = encodeMessage({ kind: "batch", repair: true, entries: batch }, version);
      out.push({ kind: "send", link, frame });
    }
    const region = regionByCode(this.#view.cluster, peer)?.name ?? `region ${peer}`;
    const fields = { region, entries: understood.length };
    out.push({ kind: "report", level: "warn", event: "repair-sent", fields });
  }
}
