/**
 * The truth check: when a pair is at rest and holds the same entries, are its documents the same?
 *
 *     lower code          higher code
 *     COMPARE-ROOTS  ──▶                    equal:  COMPARE-RESULT, done
 *                    ◀──  COMPARE-SHARDS    the sums of all shards
 *     COMPARE-DOCUMENTS ▶                   of each differing shard: (document, sum)
 *                    ◀──  COMPARE-CHANGES   of each differing document: all names
 *     BATCH repair   ──▶                    what the other lacks
 *     WANT-CHANGES   ──▶                    what we lack
 *                    ◀──  BATCH repair
 *
 * The log cannot see its own losses: a flipped bit, a restored file, an entry counted and not applied.
 * The sums can, because they follow from the documents. They are compared only when both frontiers are
 * equal, otherwise writes in flight would look like divergence; a digest of the frontier travels with
 * the root, and whoever finds it changed calls the round off. Where names agree and sums do not, the sum
 * itself is wrong and is counted again.
 */
import { createHash } from "node:crypto";
import type { ChangeHash, DocId, LogEntry, Random, RegionCode } from "@atoll/core";
import { docKeyOf, limits, low64, regionByCode, sumsEqual, toHex } from "@atoll/core";
import { encodeMessage } from "./codec.ts";
import type { SyncEffect } from "./effects.ts";
import { batchesOf } from "./gossip.ts";
import type {
  CompareChanges,
  CompareDocuments,
  CompareResult,
  CompareRoots,
  CompareShards,
  Message,
  WantChanges,
} from "./messages.ts";
import type { Peers } from "./peers.ts";
import type { SyncView } from "./sync-view.ts";

export type Comparison = "unknown" | "equal" | "differs";

interface Pair {
  nextMs: number;
  result: Comparison;
  comparedMs: number | undefined;
}

export class AntiEntropy {
  readonly #view: SyncView;
  readonly #peers: Peers;
  readonly #random: Random;
  readonly #pairs = new Map<RegionCode, Pair>();

  constructor(view: SyncView, peers: Peers, random: Random) {
    this.#view = view;
    this.#peers = peers;
    this.#random = random;
  }

  opened(peer: RegionCode, nowMs: number): void {
    this.#pairs.set(peer, { nextMs: nowMs, result: "unknown", comparedMs: undefined });
  }

  closed(peer: RegionCode): void {
    this.#pairs.delete(peer);
  }

  comparison(peer: RegionCode): { result: Comparison; comparedMs: number | undefined } {
    const { result, comparedMs } = this.#pairs.get(peer) ?? {
      result: "unknown",
      comparedMs: undefined,
    };
    return { result, comparedMs };
  }

  /** Something was exchanged: the next comparison follows as soon as the pair is at rest again. */
  disturbed(nowMs: number): void {
    for (const pair of this.#pairs.values()) {
      pair.nextMs = Math.min(pair.nextMs, nowMs + limits.ANTI_ENTROPY_REST_MS);
    }
  }

  /** Opens a comparison with a peer at rest, when one is due. The lower code asks. */
  compare(peer: RegionCode, nowMs: number, out: SyncEffect[]): void {
    const pair = this.#pairs.get(peer);
    if (pair === undefined || nowMs < pair.nextMs || this.#view.region.code > peer) return;
    this.#postpone(pair, nowMs);
    const message: CompareRoots = {
      kind: "compare-roots",
      frontier: this.#frontierDigest(),
      root: this.#view.root(),
    };
    this.#send(peer, message, out);
  }

  onRoots(peer: RegionCode, message: CompareRoots, nowMs: number, out: SyncEffect[]): void {
    const frontier = this.#frontierDigest();
    if (toHex(frontier) !== toHex(message.frontier)) {
      this.#send(peer, { kind: "compare-result", result: "stale" }, out);
    } else if (sumsEqual(message.root, this.#view.root())) {
      this.#conclude(peer, "equal", nowMs, out);
      this.#send(peer, { kind: "compare-result", result: "equal" }, out);
    } else {
      this.#conclude(peer, "differs", nowMs, out);
      const { shardCount } = this.#view.cluster;
      const sums = Array.from({ length: shardCount }, (_, s) => low64(this.#view.shardSum(s)));
      this.#send(peer, { kind: "compare-shards", frontier, sums }, out);
    }
  }

  onResult(peer: RegionCode, message: CompareResult, nowMs: number, out: SyncEffect[]): void {
    if (message.result === "equal") this.#conclude(peer, "equal", nowMs, out);
  }

  onShards(peer: RegionCode, message: CompareShards, nowMs: number, out: SyncEffect[]): void {
    if (toHex(message.frontier) !== toHex(this.#frontierDigest())) return; // we moved on
    this.#conclude(peer, "differs", nowMs, out);
    let budget = limits.ANTI_ENTROPY_SHARDS_MAX;
    for (const [shard, sum] of message.sums.entries()) {
      if (shard >= this.#view.cluster.shardCount || budget === 0) break;
      if (sum === low64(this.#view.shardSum(shard))) continue;
      budget--;
      const documents = this.#view.shardDocuments(shard).slice(0, limits.WIRE_LIST_MAX);
      this.#send(peer, { kind: "compare-documents", shard, documents }, out);
    }
  }

  onDocuments(peer: RegionCode, message: CompareDocuments, out: SyncEffect[]): void {
    if (message.shard >= this.#view.cluster.shardCount) return;
    const theirs = new Map(message.documents.map(({ docId, sum64 }) => [docKeyOf(docId), sum64]));
    const differing: DocId[] = [];
    for (const { docId, sum64 } of this.#view.shardDocuments(message.shard)) {
      if (theirs.get(docKeyOf(docId)) !== sum64) differing.push(docId);
      theirs.delete(docKeyOf(docId));
    }
    for (const { docId } of message.documents) {
      if (theirs.has(docKeyOf(docId))) differing.push(docId); // we have none of it
    }
    // Where only a sum is wrong, and not the documents, counting again is the whole repair.
    out.push({ kind: "recount", shard: message.shard, docIds: differing });
    if (differing.length === 0) return;
    const documents = differing
      .slice(0, limits.ANTI_ENTROPY_DOCUMENTS_MAX)
      .map((docId) => ({ docId, hashes: this.#view.changesOf(docId) }));
    this.#send(peer, { kind: "compare-changes", shard: message.shard, documents }, out);
  }

  onChanges(peer: RegionCode, message: CompareChanges, nowMs: number, out: SyncEffect[]): void {
    const repairs: LogEntry[] = [];
    const wants: { docId: DocId; hash: ChangeHash }[] = [];
    const recount: DocId[] = [];
    for (const { docId, hashes } of message.documents) {
      const theirs = new Set(hashes.map(toHex));
      const ours = this.#view.changesOf(docId);
      const held = new Set(ours.map(toHex));
      const lacking = hashes.filter((hash) => !held.has(toHex(hash)));
      const excess = ours.filter((hash) => !theirs.has(toHex(hash)));
      for (const hash of lacking) wants.push({ docId, hash });
      repairs.push(...this.#entriesOf(docId, excess, out));
      if (lacking.length === 0 && excess.length === 0) recount.push(docId);
    }
    this.#repair(peer, repairs, out);
    if (wants.length > 0) {
      this.#send(peer, { kind: "want-changes", shard: message.shard, wants }, out);
    }
    // Same names and another sum: one of us counted wrong. The peer has counted again already.
    if (recount.length > 0) out.push({ kind: "recount", shard: message.shard, docIds: recount });
    this.#again(peer, nowMs);
  }

  onWants(peer: RegionCode, message: WantChanges, out: SyncEffect[]): void {
    const entries = message.wants.flatMap(({ docId, hash }) => this.#entriesOf(docId, [hash], out));
    this.#repair(peer, entries, out);
  }

  #entriesOf(docId: DocId, hashes: readonly ChangeHash[], out: SyncEffect[]): LogEntry[] {
    const entries: LogEntry[] = [];
    for (const hash of hashes) {
      const entry = this.#view.findChange(docId, hash);
      if (entry !== undefined) entries.push(entry);
      else
        out.push(report("warn", "change-not-in-log", { docId: toHex(docId), hash: toHex(hash) }));
    }
    return entries.sort((a, b) => a.hlc - b.hlc || a.seq - b.seq);
  }

  #repair(peer: RegionCode, entries: readonly LogEntry[], out: SyncEffect[]): void {
    for (const batch of batchesOf(entries)) {
      this.#send(peer, { kind: "batch", repair: true, entries: batch }, out);
    }
    if (entries.length === 0) return;
    const region = regionByCode(this.#view.cluster, peer)?.name ?? peer;
    out.push(report("warn", "repair-sent", { region, entries: entries.length }));
  }

  #conclude(peer: RegionCode, result: Comparison, nowMs: number, out: SyncEffect[]): void {
    const pair = this.#pairs.get(peer);
    if (pair === undefined) return;
    if (result === "differs" && pair.result !== "differs") {
      const region = regionByCode(this.#view.cluster, peer)?.name ?? peer;
      out.push(report("warn", "roots-differ", { region }));
    }
    pair.result = result;
    pair.comparedMs = nowMs;
  }

  /** A repair is under way: compare again soon, to see that it was one. */
  #again(peer: RegionCode, nowMs: number): void {
    const pair = this.#pairs.get(peer);
    if (pair !== undefined) pair.nextMs = nowMs + limits.ANTI_ENTROPY_REST_MS;
  }

  #postpone(pair: Pair, nowMs: number): void {
    pair.nextMs = nowMs + limits.ANTI_ENTROPY_PERIOD_MS * (0.8 + 0.4 * this.#random.float());
  }

  /** What both sides must hold alike before their roots mean anything. 16 bytes. */
  #frontierDigest(): Uint8Array {
    const digest = createHash("sha256");
    for (const [{ shard, origin }, { contig, max }] of this.#view.frontier.lanes()) {
      if (max > 0) digest.update(`${shard} ${origin} ${contig} ${max}\n`);
    }
    return new Uint8Array(digest.digest().subarray(0, 16));
  }

  #send(peer: RegionCode, message: Message, out: SyncEffect[]): void {
    const link = this.#peers.linkTo(peer);
    if (link === undefined) return;
    const frame = encodeMessage(message, this.#peers.versionOf(peer));
    out.push({ kind: "send", link, frame });
  }
}

function report(level: "warn", event: string, fields: Record<string, unknown>): SyncEffect {
  return { kind: "report", level, event, fields };
}
