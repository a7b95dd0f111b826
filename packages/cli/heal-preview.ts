/**
 * What two regions will merge when their link is healed: computed before, from what each has.
 *
 *     diverged   documents with changes above the common cut whose heads differ
 *     merged     by one of the two regions, in memory, with its schema: the very merge that a healed link
 *                brings, because what a document is follows from its changes and from nothing else
 *
 * So the winners told here are those that there will be, unless somebody writes in between.
 */
import { limits } from "@atoll/core";
import type { ConflictReport, MergePreviewReport } from "@atoll/server";
import type { Cut } from "./common-cut.ts";
import { forEachConcurrently } from "./concurrency.ts";
import type { DivergedDocument } from "./diverged-documents.ts";
import { divergedDocuments } from "./diverged-documents.ts";
import { DocumentClient } from "./document-client.ts";
import type { AskedRegion } from "./pair.ts";
import { cutOf } from "./pair.ts";

export const PREVIEW_FORMAT = "atoll-heal-preview/1";

export interface HealPreview {
  readonly format: typeof PREVIEW_FORMAT;
  readonly between: readonly [string, string];
  readonly at: string;
  readonly cut: Cut;
  readonly profiles: readonly ProfilePreview[];
  /** Diverged, and not looked into: more than was asked for. */
  readonly notShown: number;
  /** False when a region's log does not tell all that differs. */
  readonly complete: boolean;
}

export interface ProfilePreview {
  readonly docId: string;
  readonly profileId: string | null;
  /** Before, in either region. */
  readonly heads: readonly [readonly string[], readonly string[]];
  /** What only the first, and only the second, has. */
  readonly changes: readonly [number, number];
  /** Members that will change in the first, and in the second. */
  readonly edits: readonly [readonly string[], readonly string[]];
  readonly conflicts: readonly ConflictReport[];
  /** The profile is deleted when all is merged, in one of them only until then. */
  readonly deletedIn: readonly [boolean, boolean];
  readonly deleted: boolean;
  /** Why it could not be looked into. */
  readonly unseen: string | undefined;
}

export async function previewHeal(
  pair: readonly [AskedRegion, AskedRegion],
  { at, profilesMax }: { readonly at: string; readonly profilesMax: number },
): Promise<HealPreview> {
  const [a, b] = pair;
  const cut = await cutOf(pair);
  const { documents, complete } = await divergedDocuments([a.truth, b.truth], cut);
  const shown = documents.slice(0, profilesMax);
  const clients = [new DocumentClient(a.admin), new DocumentClient(b.admin)] as const;
  const previews = new Map<string, ProfilePreview>();
  await forEachConcurrently(shown, limits.COMMAND_PREVIEWS_CONCURRENT, async (document) => {
    previews.set(document.docId, await previewDocument(clients, document));
  });
  return {
    format: PREVIEW_FORMAT,
    between: [a.name, b.name],
    at,
    cut,
    profiles: shown.flatMap(({ docId }) => previews.get(docId) ?? []),
    notShown: documents.length - shown.length,
    complete,
  };
}

async function previewDocument(
  [a, b]: readonly [DocumentClient, DocumentClient],
  { docId, profileId }: DivergedDocument,
): Promise<ProfilePreview> {
  const [ours, theirs] = await Promise.all([a.facts(docId), b.facts(docId)]);
  const named = {
    docId,
    profileId: profileId ?? ours?.profileId ?? theirs?.profileId ?? null,
    heads: [ours?.heads ?? [], theirs?.heads ?? []],
  } as const;
  // Whoever has it says what is in it; whoever has not merges it just as well.
  const changes = theirs === undefined ? await a.changes(docId) : await b.changes(docId);
  if (changes === undefined) {
    const unseen = "it belongs to another tenant, or is gone";
    const nothing = { changes: [0, 0], edits: [[], []], conflicts: [] } as const;
    return { ...named, ...nothing, deletedIn: [false, false], deleted: false, unseen };
  }
  const isTurned = theirs === undefined;
  const preview = await (isTurned ? b : a).preview(docId, changes);
  return { ...named, ...shownOf(preview, isTurned) };
}

/** `isTurned`: the second region merged, so that here and there are exchanged. */
function shownOf(
  { here, there, merged, changes, edits, conflicts }: MergePreviewReport,
  isTurned: boolean,
): Omit<ProfilePreview, "docId" | "profileId" | "heads"> {
  const pathsOf = (patch: readonly { readonly path: string }[]): string[] =>
    [...new Set(patch.map(({ path }) => path))].sort();
  const inOrder = <T>(ofHere: T, ofThere: T): [T, T] =>
    isTurned ? [ofThere, ofHere] : [ofHere, ofThere];
  return {
    changes: inOrder(changes.here, changes.there),
    edits: inOrder(pathsOf(edits.here), pathsOf(edits.there)),
    conflicts,
    deletedIn: inOrder(here.deleted, there.deleted),
    deleted: merged.deleted,
    unseen: undefined,
  };
}
