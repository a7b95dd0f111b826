/**
 * The third door: links to other regions.
 *
 * A link carries whole frames in order, without loss or duplication, until it goes down; then nothing
 * is known about the frames still under way. That is all that replication needs, and all that a
 * simulated network has to imitate.
 *
 *   dial(url) ──▶ linkUp ──▶ frame … frame ──▶ linkDown
 *        └──────────────────────────────────────▲        every link ends with exactly one linkDown
 */
import type { RegionName } from "@atoll/core";

export type LinkId = number;

export interface TransportHandler {
  /**
   * `dialled`: the id that `dial` returned; otherwise somebody connected to us. `identity`: the region
   * that the link itself has proved the peer to be; absent when the link proves nothing.
   */
  linkUp(link: LinkId, dialled: boolean, identity?: RegionName): void;
  frame(link: LinkId, bytes: Uint8Array): void;
  linkDown(link: LinkId, reason: string): void;
}

export interface Transport {
  /** Called once, before anything else. */
  attach(handler: TransportHandler): void;
  /** Starts to connect; `linkUp` or `linkDown` follows, never before this returns. */
  dial(url: string): LinkId;
  /** Queues a frame. Ignored when the link is down. */
  send(link: LinkId, frame: Uint8Array): void;
  /** Bytes queued and not yet handed to the operating system. */
  backlogBytes(link: LinkId): number;
  /** Sends what is queued, then ends the link. `linkDown` follows. */
  close(link: LinkId, reason: string): void;
  /** Ends every link and stops accepting. */
  stop(): Promise<void>;
}
