/**
 * How much may be under way to a peer: bytes of batches, granted by the receiver.
 *
 *     sender                                     receiver
 *     sent ≤ granted   ── BATCH … BATCH ──▶      taken += frame, when its entries are durable or judged
 *     granted = max    ◀── HEARTBEAT(grant) ──   grant = taken + window
 *
 * Both sides count whole BATCH frames from the start of the link. The counts are cumulative and the
 * stream is ordered, so a grant that is lost with its link or overtaken by a later one does no harm.
 * Without this a receiver that commits slower than it receives would fill the socket buffers between the
 * two, and a heartbeat would wait behind all of it. Repairs are not counted: a comparison bounds them.
 * A peer of version 1 grants nothing and is not limited; the backlog of its link still is.
 */
import type { RegionCode } from "@atoll/core";
import { assert, limits } from "@atoll/core";

interface Account {
  readonly limited: boolean;
  sentBytes: number;
  grantedBytes: number;
  receivedBytes: number;
  takenBytes: number;
  /** Of `takenBytes`, what the peer has been told. */
  toldBytes: number;
}

export class Credit {
  readonly #accounts = new Map<RegionCode, Account>();

  opened(peer: RegionCode, version: number): void {
    this.#accounts.set(peer, {
      limited: version > 1,
      sentBytes: 0,
      grantedBytes: 0,
      receivedBytes: 0,
      takenBytes: 0,
      toldBytes: 0,
    });
  }

  closed(peer: RegionCode): void {
    this.#accounts.delete(peer);
  }

  /** Bytes that may still be sent. */
  room(peer: RegionCode): number {
    const account = this.#accounts.get(peer);
    if (account === undefined) return 0;
    return account.limited ? account.grantedBytes - account.sentBytes : Infinity;
  }

  sent(peer: RegionCode, bytes: number): void {
    assert(bytes <= this.room(peer), "no more is sent than was granted");
    const account = this.#accounts.get(peer);
    if (account !== undefined) account.sentBytes += bytes;
  }

  granted(peer: RegionCode, grantBytes: number | undefined): void {
    const account = this.#accounts.get(peer);
    if (account === undefined || grantBytes === undefined) return;
    account.grantedBytes = Math.max(account.grantedBytes, grantBytes);
  }

  /** False when the peer sent more than it was granted. */
  received(peer: RegionCode, bytes: number): boolean {
    const account = this.#accounts.get(peer);
    if (account === undefined) return true;
    account.receivedBytes += bytes;
    const granted = account.toldBytes + limits.LINK_CREDIT_BYTES;
    return !account.limited || account.receivedBytes <= granted;
  }

  /** What was received so far is durable or judged. */
  taken(peer: RegionCode, bytes: number): void {
    const account = this.#accounts.get(peer);
    if (account !== undefined) account.takenBytes += bytes;
  }

  /** Taken, and the peer does not know yet. */
  untoldBytes(peer: RegionCode): number {
    const account = this.#accounts.get(peer);
    return account === undefined ? 0 : account.takenBytes - account.toldBytes;
  }

  /** What the next heartbeat grants. */
  grant(peer: RegionCode): number {
    const account = this.#accounts.get(peer);
    if (account === undefined) return 0;
    account.toldBytes = account.takenBytes;
    return account.takenBytes + limits.LINK_CREDIT_BYTES;
  }
}
