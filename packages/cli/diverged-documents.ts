/**
 * The documents that two regions hold differently now, because each has changes that the other lacks.
 *
 * Not divergence in the bad sense: what lies above the common cut is merely under way, or waits for a link.
 * At the cut both have the same, so a document that only one of them changed since differs for certain, and
 * one that both changed differs if its heads do.
 */
import type { AboveReport } from "@atoll/server";
import type { Cut } from "./common-cut.ts";
import type { TruthClient } from "./truth-client.ts";

export interface DivergedDocument {
  readonly docId: string;
  readonly profileId: string | null;
  /** In either region; null where it has not been changed since the cut. */
  readonly heads: readonly [readonly string[] | null, readonly string[] | null];
}

export interface DivergedDocuments {
  readonly documents: readonly DivergedDocument[];
  /** False when a region's log does not tell all of it. */
  readonly complete: boolean;
}

type Listed = AboveReport["documents"][number];

export async function divergedDocuments(
  pair: readonly [Pick<TruthClient, "above">, Pick<TruthClient, "above">],
  cut: Cut,
): Promise<DivergedDocuments> {
  const [ours, theirs] = await Promise.all([allAbove(pair[0], cut), allAbove(pair[1], cut)]);
  const ids = new Set([...ours.byId.keys(), ...theirs.byId.keys()]);
  const documents = [...ids].sort().flatMap((docId): DivergedDocument[] => {
    const [a, b] = [ours.byId.get(docId), theirs.byId.get(docId)];
    if (a !== undefined && b !== undefined && a.heads.join() === b.heads.join()) return [];
    const profileId = a?.profileId ?? b?.profileId ?? null;
    return [{ docId, profileId, heads: [a?.heads ?? null, b?.heads ?? null] }];
  });
  return { documents, complete: ours.complete && theirs.complete };
}

async function allAbove(
  region: Pick<TruthClient, "above">,
  cut: Cut,
): Promise<{ readonly byId: ReadonlyMap<string, Listed>; readonly complete: boolean }> {
  const byId = new Map<string, Listed>();
  let after: string | null = null;
  let complete = true;
  do {
    const page: AboveReport = await region.above(cut, after);
    for (const each of page.documents) byId.set(each.docId, each);
    complete &&= page.complete;
    after = page.next;
  } while (after !== null);
  return { byId, complete };
}
