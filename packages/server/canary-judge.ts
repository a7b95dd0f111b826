/**
 * What the canaries' records prove against the guarantees, beat by beat.
 *
 *     G2  what was acknowledged is there      another region has read a beat of ours that we lack
 *     G5  sessions                            ours is not what we just wrote, or another's went back
 *     G6  regions converge                    a live region writes on and has not seen ours, or its
 *                                             Merkle root differs although nothing is missing
 *
 * What takes time to become true is only called a violation once it has been wrong for `PATIENCE` beats
 * in a row with the link live all the while: a restored copy gets its entries back, a repair ends.
 * It holds no clock and asks nobody, so that a test can plant any violation.
 */
import type { CanaryRecord } from "./canary-record.ts";

export type CanaryGuarantee = "G2" | "G5" | "G6";

export interface Violation {
  readonly guarantee: CanaryGuarantee;
  readonly detail: string;
}

/** With the profile that it was read in: only within one must beats grow, whatever clocks do. */
export interface FoundRecord extends CanaryRecord {
  readonly profile: string;
}

/** One other region, at one beat of ours. */
export interface Sighting {
  readonly region: string;
  /** Undefined while nothing of its canary has come, or it has none. */
  readonly record: FoundRecord | undefined;
  readonly isLive: boolean;
  /** Nothing that it announced is missing here, and its root is another one. */
  readonly isDiverged: boolean;
}

/** Beats for which something must be wrong. */
const PATIENCE = 4;

interface PeerHistory {
  profile: string;
  beat: number;
  /** Beats in a row, the last included, in which … */
  live: number;
  diverged: number;
  ahead: number;
}

export class CanaryJudge {
  readonly #own: string;
  readonly #peers = new Map<string, PeerHistory>();
  /** Our beats that were acknowledged, the newest last; as many as patience needs. */
  #written: number[] = [];

  constructor(own: string) {
    this.#own = own;
  }

  /** A beat of ours was acknowledged; `readBack`: what a read of the same session then showed. */
  wrote(beat: number, readBack: number | undefined): Violation[] {
    this.#written = [...this.#written, beat].slice(-PATIENCE - 1);
    if (readBack === beat) return [];
    return [
      { guarantee: "G5", detail: `wrote ${beat} and read ${readBack ?? "nothing"} after it` },
    ];
  }

  /** What is there of ours now, of the profile that was written last. */
  kept(found: number | undefined): Violation[] {
    const last = this.#written.at(-1);
    if (last === undefined || (found ?? 0) >= last) return [];
    return [
      { guarantee: "G2", detail: `${last} was acknowledged, and ${found ?? "nothing"} is there` },
    ];
  }

  saw(sighting: Sighting): Violation[] {
    const { region, record, isLive, isDiverged } = sighting;
    const peer = this.#peers.get(region) ?? newPeer();
    this.#peers.set(region, peer);
    peer.live = isLive ? peer.live + 1 : 0;
    peer.diverged = isLive && isDiverged ? peer.diverged + 1 : 0;
    const violations: Violation[] = [];
    if (peer.diverged >= PATIENCE) {
      violations.push({ guarantee: "G6", detail: `${region} has other content at the same cut` });
    }
    if (record === undefined) return violations;
    const isSame = record.profile === peer.profile;
    if (isSame && record.beat < peer.beat) {
      const detail = `${region} went back from ${peer.beat} to ${record.beat}`;
      violations.push({ guarantee: "G5", detail });
    }
    const isFresh = !isSame || record.beat > peer.beat;
    peer.beat = isSame ? Math.max(peer.beat, record.beat) : record.beat;
    peer.profile = record.profile;
    return [...violations, ...this.#compared(region, record.seen[this.#own] ?? 0, peer, isFresh)];
  }

  /** `seen`: the newest of our beats that the region has read. */
  #compared(region: string, seen: number, peer: PeerHistory, isFresh: boolean): Violation[] {
    const last = this.#written.at(-1);
    if (last === undefined) return []; // nothing was acknowledged by this process yet
    peer.ahead = seen > last ? peer.ahead + 1 : 0;
    if (peer.ahead >= PATIENCE) {
      const detail = `${region} has read ${seen} of ours, of which ${last} is here`;
      return [{ guarantee: "G2", detail }];
    }
    const [due] = this.#written.length > PATIENCE ? this.#written : [];
    if (!isFresh || due === undefined || peer.live <= PATIENCE || seen >= due) return [];
    const detail = `${region} writes on, and has not read ${due} in ${PATIENCE} beats`;
    return [{ guarantee: "G6", detail }];
  }
}

function newPeer(): PeerHistory {
  return { profile: "", beat: 0, live: 0, diverged: 0, ahead: 0 };
}
