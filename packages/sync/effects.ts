/**
 * What replication wants done. Plain data: the step functions decide, the driver performs, and the
 * simulator may look in between. Effects are performed in order, and only once everything that was
 * applied before them is durable.
 */
import type { DocId, LogEntry, LogFields, RegionCode, RegionName, Spending } from "@atoll/core";
import type { Announcement } from "./messages.ts";
import type { LinkId } from "./transport.ts";

/** What was received on a link and needs no more room here. */
export interface Taken {
  readonly kind: "taken";
  readonly link: LinkId;
  /** Of its credit. */
  readonly bytes: number;
  /** Somebody may wait for these entries to be confirmed. */
  readonly fresh: boolean;
}

export type SyncEffect =
  | { readonly kind: "send"; readonly link: LinkId; readonly frame: Uint8Array }
  | { readonly kind: "close"; readonly link: LinkId; readonly reason: string }
  /** Connect to a region; `link-dialled` tells the id. */
  | { readonly kind: "dial"; readonly region: RegionCode }
  | {
      readonly kind: "ingest";
      readonly from: RegionCode;
      readonly entries: readonly LogEntry[];
      readonly repair: boolean;
      /** To be stepped once the entries are durable or judged. */
      readonly taken: Taken;
    }
  /** Peers hold entries under our own name that we do not: this file is older than we are. */
  | { readonly kind: "rolled-back"; readonly by: RegionCode; readonly entries: number }
  /** Every other region has said what it has seen of our origin, and it is no more than we hold. */
  | { readonly kind: "origin-proven" }
  /** The sums here disagree with the documents here: count again, from the documents. */
  | { readonly kind: "recount"; readonly shard: number; readonly docIds: readonly DocId[] }
  /** All of these lanes up to here is proven to be held, with or without its entries in the log. */
  | { readonly kind: "adopt"; readonly lanes: readonly Announcement[] }
  /** What a peer has let through of its clients' rates. */
  | { readonly kind: "spent"; readonly spent: readonly Spending[] }
  /** Step again after this long, at the latest. */
  | { readonly kind: "wake"; readonly delayMs: number }
  | {
      readonly kind: "report";
      readonly level: "debug" | "info" | "warn" | "error";
      readonly event: string;
      readonly fields: LogFields;
    };

export type SyncEvent =
  | { readonly kind: "start" }
  | { readonly kind: "tick" }
  | { readonly kind: "link-dialled"; readonly region: RegionCode; readonly link: LinkId }
  /** `identity`: the region that the link's certificate names, when it has one. */
  | { readonly kind: "link-up"; readonly link: LinkId; readonly identity?: RegionName | undefined }
  | { readonly kind: "link-down"; readonly link: LinkId; readonly reason: string }
  | { readonly kind: "frame"; readonly link: LinkId; readonly bytes: Uint8Array }
  | Taken
  /** These entries have their place for good. Nothing that follows from it is sent before they are durable. */
  | { readonly kind: "committed"; readonly entries: readonly LogEntry[] }
  /** What was let through here since the last of these. */
  | { readonly kind: "spend"; readonly spent: readonly Spending[] }
  /** Who there is, as the registry of peers says: it is dialled, and nobody else is linked. */
  | { readonly kind: "peers"; readonly regions: ReadonlySet<RegionCode> }
  | { readonly kind: "pause"; readonly region: RegionCode }
  | { readonly kind: "resume"; readonly region: RegionCode }
  /** An operator wants to know whether this peer and we hold the same: compare without waiting. */
  | { readonly kind: "compare"; readonly region: RegionCode }
  /** What was applied since the last `committed` is undone: nothing said since then holds. */
  | { readonly kind: "reset"; readonly reason: string }
  /** The process is about to stop. */
  | { readonly kind: "leave" };
