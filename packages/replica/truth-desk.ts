/**
 * What this region holds at a cut, for an operator who wants to see that two regions hold the same.
 *
 * The same sums that regions compare among themselves (cut.ts), told to a third party: whoever asks every
 * region about one cut can compare them himself, and need not believe anybody's verdict. A cut is given by
 * region names and timestamps. What is written later changes nothing at it, so answers that were fetched
 * one after the other still belong together.
 */
import type { DocId, Hlc, RegionCode, RegionVector, TreeNode } from "@atoll/core";
import {
  AtollError,
  joinVectors,
  limits,
  missingRegions,
  parseHlc,
  regionByCode,
  regionByName,
  toHex,
  vectorAt,
} from "@atoll/core";
import type { DocumentPlace } from "@atoll/store";
import type { Cut } from "./cut.ts";
import { Cuts } from "./cut.ts";
import type { GroupCommit } from "./group-commit.ts";
import { headsToHex } from "./heads.ts";
import type { Replica } from "./replica.ts";

/** By region name: everything it wrote up to that timestamp. */
export type NamedCut = Readonly<Record<string, number>>;

export interface Holdings {
  readonly region: string;
  /** Everything up to here is held; of this region itself, everything so far. */
  readonly held: NamedCut;
  /** Sums at cuts below are not known any more: the log was trimmed. */
  readonly horizon: NamedCut;
  readonly shards: number;
}

export interface ShownSum {
  readonly changes: number;
  /** 64 hexadecimal digits. */
  readonly sum: string;
}

export interface ShardSums {
  readonly region: string;
  readonly cut: NamedCut;
  readonly root: ShownSum;
  readonly shards: readonly ShownSum[];
}

export interface ShownDocument {
  readonly docId: string;
  /** With its tenant; null where it is not known here. */
  readonly profileId: string | null;
}

export interface DocumentAtCut extends ShownDocument, ShownSum {}

export interface NodeAtCut {
  readonly children: readonly ShownSum[];
  /** All under the node; null when they are too many to list. */
  readonly documents: readonly DocumentAtCut[] | null;
}

export interface DocumentAbove extends ShownDocument {
  /** Above the cut. */
  readonly changes: number;
  /** Now. */
  readonly heads: readonly string[];
}

export interface AboveCut {
  readonly total: { readonly documents: number; readonly changes: number };
  /** False when the log does not tell all of it: trimmed, or more than is looked through. */
  readonly complete: boolean;
  /** By docId. */
  readonly documents: readonly DocumentAbove[];
  /** To go on after; null at the end. */
  readonly next: string | null;
}

interface Above {
  readonly cut: RegionVector;
  readonly version: number;
  readonly complete: boolean;
  readonly changes: number;
  readonly byDocument: readonly (readonly [string, { readonly docId: DocId; changes: number }])[];
}

export class TruthDesk {
  readonly #replica: Replica;
  readonly #group: GroupCommit;
  readonly #coverage: () => RegionVector;
  /** Its own, so that an operator's questions do not push out those of a comparison. */
  readonly #cuts: Cuts;
  #above: Above | undefined;

  constructor(rooms: {
    readonly replica: Replica;
    readonly group: GroupCommit;
    /** Of the other regions. */
    readonly coverage: () => RegionVector;
  }) {
    this.#replica = rooms.replica;
    this.#group = rooms.group;
    this.#coverage = rooms.coverage;
    const { ledger, store, cluster } = rooms.replica;
    this.#cuts = new Cuts({ tree: ledger.tree, store, cluster });
  }

  /** Settles when the moment that it names cannot be forgotten any more. */
  async holdings(): Promise<Holdings> {
    const { region, cluster, ledger } = this.#replica;
    const held = this.#group.stage(() => this.#held());
    await this.#group.durable();
    return {
      region: region.name,
      held: this.#named(held),
      horizon: this.#named(ledger.horizon),
      shards: cluster.shardCount,
    };
  }

  /** Throws cut-unavailable, as all that follow. */
  shards(named: NamedCut): ShardSums {
    const { region, cluster } = this.#replica;
    const cut = this.#cutAt(this.#vectorOf(named));
    const depth = Math.log2(cluster.shardCount);
    const shards = Array.from({ length: cluster.shardCount }, (_, index) =>
      shownSum(cut.node({ depth, index })),
    );
    return { region: region.name, cut: named, root: shownSum(cut.root), shards };
  }

  node(named: NamedCut, node: TreeNode, fanBits: number): NodeAtCut {
    const cut = this.#cutAt(this.#vectorOf(named));
    const documents = cut.documents(node, limits.ANTI_ENTROPY_LIST_MAX);
    return {
      children: cut.children(node, fanBits).map(shownSum),
      documents:
        documents?.map(({ docId, ...sum }) => ({ ...this.#shown(docId), ...shownSum(sum) })) ??
        null,
    };
  }

  /** What was written above a cut: of two regions that were cut off, what each has for the other. */
  above(
    named: NamedCut,
    { after, limit }: { readonly after: string | undefined; readonly limit: number },
  ): AboveCut {
    const { byDocument, changes, complete } = this.#changesAbove(this.#vectorOf(named));
    const rest = byDocument.filter(([hex]) => after === undefined || hex > after);
    const page = rest.slice(0, limit);
    const documents = page.map(([, each]) => ({
      ...this.#shown(each.docId),
      changes: each.changes,
      heads: headsToHex(this.#rowOf(each.docId)?.heads ?? new Uint8Array()),
    }));
    const isMore = rest.length > page.length;
    return {
      total: { documents: byDocument.length, changes },
      complete,
      documents,
      next: isMore ? (page.at(-1)?.[0] ?? null) : null,
    };
  }

  #changesAbove(cut: RegionVector): Above {
    const { ledger, cluster, store } = this.#replica;
    const { version } = ledger.tree;
    const kept = this.#above;
    if (kept?.version === version && isSame(kept.cut, cut)) return kept;
    let complete = missingRegions(cut, ledger.horizon).length === 0;
    let changes = 0;
    const byDocument = new Map<string, { readonly docId: DocId; changes: number }>();
    for (const { code } of cluster.regions) {
      const room = limits.ABOVE_CUT_ROWS_MAX - changes;
      const rows = store.readTail(code, vectorAt(cut, code), room + 1);
      if (rows.length > room) complete = false;
      for (const { docId } of rows.slice(0, room)) {
        const hex = toHex(docId);
        const known = byDocument.get(hex);
        if (known === undefined) byDocument.set(hex, { docId, changes: 1 });
        else known.changes++;
        changes++;
      }
    }
    const sorted = [...byDocument].sort(([a], [b]) => (a < b ? -1 : 1));
    return (this.#above = { cut, version, complete, changes, byDocument: sorted });
  }

  #held(): RegionVector {
    const own = new Map([[this.#replica.region.code, this.#replica.stamp()]]);
    return joinVectors(this.#coverage(), own);
  }

  #cutAt(vector: RegionVector): Cut {
    const { ledger } = this.#replica;
    const held = this.#group.stage(() => this.#held());
    const lacking = missingRegions(held, vector);
    if (lacking.length > 0) {
      throw unavailable(`not all of ${this.#namesOf(lacking)} up to the cut is held here yet`);
    }
    const trimmed = missingRegions(vector, ledger.horizon);
    if (trimmed.length > 0) {
      throw unavailable(`the log of ${this.#namesOf(trimmed)} was trimmed above the cut`);
    }
    const cut = this.#cuts.at(vector);
    if (cut !== undefined) return cut;
    throw unavailable(
      `more than ${limits.ANTI_ENTROPY_TAIL_MAX} changes lie above the cut: ask again at a later one`,
    );
  }

  #vectorOf(named: NamedCut): RegionVector {
    const { cluster } = this.#replica;
    const vector = new Map<RegionCode, Hlc>();
    for (const [name, number] of Object.entries(named)) {
      const region =
        regionByName(cluster, name) ?? cluster.former?.find((left) => left.name === name);
      const hlc = parseHlc(number);
      if (region === undefined || hlc === undefined) {
        throw new AtollError("malformed-request", `cut: ${name}:${number} is no part of one`);
      }
      vector.set(region.code, hlc);
    }
    return vector;
  }

  #named(vector: RegionVector): NamedCut {
    return Object.fromEntries([...vector].map(([code, hlc]) => [this.#nameOf(code), hlc] as const));
  }

  #namesOf(codes: readonly RegionCode[]): string {
    return codes.map((code) => this.#nameOf(code)).join(", ");
  }

  #nameOf(code: RegionCode): string {
    return regionByCode(this.#replica.cluster, code)?.name ?? `region ${code}`;
  }

  #shown(docId: DocId): ShownDocument {
    return { docId: toHex(docId), profileId: this.#rowOf(docId)?.profileId ?? null };
  }

  #rowOf(docId: DocId): ReturnType<Replica["store"]["readDocument"]> {
    const place: DocumentPlace = this.#replica.placeOf(docId);
    return this.#replica.store.readDocument(place);
  }
}

function shownSum({
  changes,
  sum,
}: {
  readonly changes: number;
  readonly sum: Uint8Array;
}): ShownSum {
  return { changes, sum: toHex(sum) };
}

function isSame(a: RegionVector, b: RegionVector): boolean {
  return a.size === b.size && missingRegions(a, b).length + missingRegions(b, a).length === 0;
}

function unavailable(detail: string): AtollError {
  return new AtollError("cut-unavailable", detail, { retryAfterSeconds: 1 });
}
