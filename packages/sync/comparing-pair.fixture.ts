// Two copies made of nothing but elements, and the machines that compare them: thousands of documents
// without a database, any difference that a test can think of, and every frame in its hands.
import { createHash } from "node:crypto";
import type {
  ChangeHash,
  Cluster,
  DocId,
  Hlc,
  LogEntry,
  RegionCode,
  RegionName,
  RegionVector,
  Sum,
  TreeNode,
} from "@atoll/core";
import {
  Frontier,
  SUM_ZERO,
  SeededRandom,
  addSums,
  childrenOf,
  deriveClusterKeys,
  docKeyOf,
  elementOf,
  low64,
  must,
  mustChangeHash,
  mustDocId,
  mustHlc,
  newOrigin,
  nodeRange,
  positionOf,
  shardOf,
  toHex,
  vectorAt,
} from "@atoll/core";
import { AntiEntropy } from "./anti-entropy.ts";
import { decodeFrame } from "./codec.ts";
import type { SyncEffect } from "./effects.ts";
import type { ComparisonMessage, Message } from "./messages.ts";
import { PROTOCOL_VERSION } from "./version.ts";
import type { CutView, DocumentSum, NodeSum, SyncView } from "./sync-view.ts";

export const cluster: Cluster = {
  id: "pair",
  shardCount: 16,
  regions: [1, 2].map((code) => ({
    name: `r${code}` as RegionName,
    code: code as RegionCode,
  })),
  keys: deriveClusterKeys("the secret of this pair", "pair"),
};
const origins = cluster.regions.map(({ code }) => newOrigin(code, 0, new SeededRandom("origin")));
/** Everything that a test makes lies below it, unless it says otherwise. */
export const CUT: RegionVector = new Map(cluster.regions.map(({ code }) => [code, mustHlc(1000)]));

let entriesMade = 0;

/** A change of document `n`, of either region, with a name that nobody else has. */
export function madeEntry(n: number, changes: Partial<LogEntry> = {}): LogEntry {
  const seq = ++entriesMade;
  const docId = mustDocId(digest(`document ${n}`).slice(0, 16));
  return {
    shard: shardOf(positionOf(cluster.keys, docId), cluster.shardCount),
    origin: must(origins[seq % 2], "origin"),
    seq,
    hlc: mustHlc(1 + (seq % 1000)),
    docId,
    hash: mustChangeHash(digest(`change ${seq}`)), // as the codec will compute it
    dep: new Map(),
    change: Buffer.concat([Buffer.alloc(8), Buffer.from(`change ${seq}`)]),
    containers: [],
    ...changes,
  };
}

interface Held {
  readonly entry: LogEntry;
  readonly element: Sum;
  /** Of its document. */
  readonly key: string;
  readonly position: number;
}

/** Hashing is most of what thousands of entries cost: an entry that both copies hold is hashed once. */
const heldByEntry = new WeakMap<LogEntry, Held>();

function heldOf(entry: LogEntry): Held {
  const known = heldByEntry.get(entry);
  if (known !== undefined) return known;
  const { docId, hash } = entry;
  const held = {
    entry,
    element: elementOf(cluster.keys, docId, hash),
    key: docKeyOf(docId),
    position: positionOf(cluster.keys, docId),
  };
  heldByEntry.set(entry, held);
  return held;
}

/** A copy: what it holds, and what it makes of its sums when a test tells it to err. */
export class Copy implements SyncView {
  readonly cluster = cluster;
  readonly genesisHash = new Uint8Array(32);
  readonly frontier = new Frontier();
  readonly staged = (): [] => [];
  readonly region;
  readonly origin;
  readonly held = new Map<string, Held>();
  /** In the log, although perhaps not in any document. */
  readonly log = new Map<string, Held>();
  /** Changes a sum on its way out: by document. */
  falsify: (docId: DocId, sum: Sum) => Sum = (_, sum) => sum;

  #last:
    | {
        readonly vector: RegionVector;
        readonly size: number;
        readonly falsify: unknown;
        readonly documents: DocumentSum[];
      }
    | undefined;

  constructor(code: number) {
    this.region = must(cluster.regions[code - 1], "region");
    this.origin = must(origins[code - 1], "origin");
  }

  add(...entries: readonly LogEntry[]): void {
    for (const entry of entries) {
      const name = nameOf(entry);
      const held = heldOf(entry);
      this.held.set(name, held);
      this.log.set(name, held);
    }
  }

  names(): string[] {
    return [...this.held.keys()].sort();
  }

  recall(): void {
    // Time passes by hand here.
  }

  stamp(): Hlc {
    return mustHlc(2 ** 40);
  }

  readonly waiting = 0;

  missing(): [] {
    return [];
  }

  readLog(): [] {
    return [];
  }

  backlogBytes(): number {
    return 0;
  }

  coverage(): RegionVector {
    return CUT;
  }

  positionOf({ docId }: { readonly docId: DocId }): number {
    return positionOf(cluster.keys, docId);
  }

  /** What the log has no more: below it no cut is exact. */
  horizonNow: RegionVector = new Map();

  horizon(): RegionVector {
    return this.horizonNow;
  }

  changesAt(position: number, elements: ReadonlySet<bigint>): LogEntry[] {
    return [...this.held.values()]
      .filter((held) => held.position === position)
      .filter(({ element }) => elements.has(BigInt.asUintN(64, low64(element))))
      .map(({ entry }) => entry);
  }

  lanesAt(): [] {
    return [];
  }

  findElement(element64: bigint): LogEntry[] {
    return [...this.log.values()]
      .filter(({ element }) => low64(element) === element64)
      .map(({ entry }) => entry);
  }

  cut(vector: RegionVector): CutView {
    const documents = this.#cached(vector);
    const indexOf = (position: number): number => {
      let low = 0;
      let high = documents.length;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (must(documents[middle], "document").position < position) low = middle + 1;
        else high = middle;
      }
      return low;
    };
    const under = (node: TreeNode): DocumentSum[] => {
      const { from, to } = nodeRange(node);
      return documents.slice(indexOf(from), indexOf(to));
    };
    const sumOf = (node: TreeNode): NodeSum => total(under(node));
    return {
      root: total(documents),
      node: sumOf,
      children: (node, fanBits) => childrenOf(node, fanBits).map(sumOf),
      documentCount: (node) => under(node).length,
      documents: (node, max) => (under(node).length > max ? undefined : under(node)),
      elements: ({ docId }) => {
        const wanted = docKeyOf(docId);
        return this.#below(vector)
          .filter(({ key }) => key === wanted)
          .map(({ element }) => element);
      },
    };
  }

  /** Documents change only when something is added, or when a test makes the sums lie. */
  #cached(vector: RegionVector): DocumentSum[] {
    const { held, falsify } = this;
    const last = this.#last;
    const isLast =
      last !== undefined &&
      isSame(last.vector, vector) &&
      last.size === held.size &&
      last.falsify === falsify;
    if (isLast) return last.documents;
    const documents = this.#documentsAt(vector);
    this.#last = { vector, size: held.size, falsify, documents };
    return documents;
  }

  #below(vector: RegionVector): Held[] {
    return [...this.held.values()].filter(
      ({ entry }) => entry.hlc <= vectorAt(vector, entry.origin === origins[0] ? ONE : TWO),
    );
  }

  #documentsAt(vector: RegionVector): DocumentSum[] {
    const byDocument = new Map<string, DocumentSum>();
    for (const { entry, element, key, position } of this.#below(vector)) {
      const before = byDocument.get(key);
      byDocument.set(key, {
        docId: entry.docId,
        position,
        changes: (before?.changes ?? 0) + 1,
        sum: addSums(before?.sum ?? SUM_ZERO, element),
      });
    }
    return [...byDocument.values()]
      .map((document) => ({ ...document, sum: this.falsify(document.docId, document.sum) }))
      .sort((a, b) => a.position - b.position);
  }
}

export interface Frame {
  readonly from: 0 | 1;
  readonly bytes: Uint8Array;
}

/** Two copies and their machines, joined by two queues of frames. */
export class ComparingPair {
  readonly copies: readonly [Copy, Copy] = [new Copy(1), new Copy(2)];
  readonly machines: readonly [AntiEntropy, AntiEntropy];
  readonly reports: string[] = [];
  readonly recounts: (0 | 1)[] = [];
  nowMs = 1_000_000;
  /** What each has heard that the other covers. */
  saidNow: RegionVector = CUT;
  /** Bytes of everything that is not an entry, and round trips. */
  metadataBytes = 0;
  halfRounds = 0;
  frames: Frame[] = [];
  /** Rewrites or drops what one side says. */
  tamper: (frame: Frame, message: ComparisonMessage | undefined) => Frame | undefined = (frame) =>
    frame;

  constructor() {
    const machine = (side: 0 | 1): AntiEntropy =>
      new AntiEntropy(
        this.copies[side],
        {
          peers: { linkTo: () => 1, versionOf: () => PROTOCOL_VERSION },
          announced: {
            ...{ coverage: CUT, cutWith: () => CUT },
            ...{ contig: () => 0, said: () => this.saidNow },
          },
        },
        new SeededRandom(side),
      );
    this.machines = [machine(0), machine(1)];
    this.reconnect();
  }

  reconnect(): void {
    this.frames = [];
    this.machines[0].opened(TWO, this.nowMs);
    this.machines[1].opened(ONE, this.nowMs);
  }

  /** Lets the first side open a comparison, and carries frames until there are none. */
  compare(framesMax = 100_000): void {
    this.nowMs += 60_000;
    const out: SyncEffect[] = [];
    this.machines[0].tick(TWO, true, this.nowMs, out);
    this.#perform(0, out);
    this.carry(framesMax);
  }

  /** Carries frames in rounds: everything that one side said, then everything that the other answers. */
  carry(framesMax = 100_000): void {
    let left = framesMax;
    while (this.frames.length > 0 && left > 0) {
      this.halfRounds++;
      const round = this.frames;
      this.frames = [];
      for (const frame of round) {
        if (left-- <= 0) return;
        this.deliver(frame);
      }
    }
  }

  deliver(original: Frame): void {
    const decodedAs = decodeFrame(original.bytes);
    const said = decodedAs.kind === "message" ? comparisonOf(decodedAs.message) : undefined;
    const frame = this.tamper(original, said);
    if (frame === undefined) return;
    const to = frame.from === 0 ? 1 : 0;
    const decoded = decodeFrame(frame.bytes);
    if (decoded.kind !== "message") return;
    const { message } = decoded;
    if (message.kind === "batch") {
      this.copies[to].add(...message.entries);
      return;
    }
    this.metadataBytes += frame.bytes.length;
    const comparison = comparisonOf(message);
    if (comparison === undefined) return;
    const out: SyncEffect[] = [];
    const peer = frame.from === 0 ? ONE : TWO;
    this.machines[to].hear(peer, comparison, frame.bytes.length, this.nowMs, out);
    this.#perform(to, out);
  }

  #perform(side: 0 | 1, effects: readonly SyncEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === "send") this.frames.push({ from: side, bytes: effect.frame });
      else if (effect.kind === "report") this.reports.push(effect.event);
      else if (effect.kind === "recount") this.recounts.push(side);
    }
  }
}

export const ONE = 1 as RegionCode;
export const TWO = 2 as RegionCode;

function comparisonOf(message: Message): ComparisonMessage | undefined {
  const isOther =
    message.kind === "need" || message.kind === "trimmed" || message.kind === "served";
  return "id" in message && !isOther ? message : undefined;
}

function total(documents: readonly DocumentSum[]): NodeSum {
  return {
    changes: documents.reduce((all, { changes }) => all + changes, 0),
    sum: documents.reduce((all, { sum }) => addSums(all, sum), SUM_ZERO),
  };
}

function nameOf({ docId, hash }: { docId: DocId; hash: ChangeHash }): string {
  return `${toHex(docId)} ${toHex(hash)}`;
}

function digest(label: string): Uint8Array {
  return new Uint8Array(createHash("sha256").update(label).digest());
}

function isSame(a: RegionVector, b: RegionVector): boolean {
  return a.size === b.size && [...a].every(([region, hlc]) => b.get(region) === hlc);
}
