/**
 * What became of what a preview told: after the link is healed, per profile and field, in both regions.
 *
 *     merged     both regions have every change that either had
 *     as told    the winner is the one that the preview named
 *     settled    somebody wrote the field since: the conflict is gone, or is another one
 */
import { limits } from "@atoll/core";
import type { DocumentContentReport } from "@atoll/server";
import { forEachConcurrently } from "./concurrency.ts";
import type { DocumentClient } from "./document-client.ts";
import type { HealPreview, ProfilePreview } from "./heal-preview.ts";

export interface FieldOutcome {
  readonly pointer: string;
  readonly outcome: "as told" | "settled since" | "not merged";
  readonly told: unknown;
  /** In either region; undefined where nothing is there. */
  readonly now: readonly [unknown, unknown];
}

export interface ProfileOutcome {
  readonly docId: string;
  readonly profileId: string | null;
  readonly merged: boolean;
  /** Both regions have the same heads now. */
  readonly equal: boolean;
  /** Heads of before that a region does not have, which nothing may ever lose. */
  readonly missing: readonly [readonly string[], readonly string[]];
  readonly fields: readonly FieldOutcome[];
}

export async function reportHeal(
  [a, b]: readonly [DocumentClient, DocumentClient],
  { profiles }: Pick<HealPreview, "profiles">,
): Promise<ProfileOutcome[]> {
  const outcomes = new Map<string, ProfileOutcome>();
  await forEachConcurrently(profiles, limits.COMMAND_PREVIEWS_CONCURRENT, async (profile) => {
    if (profile.unseen !== undefined) return;
    const contents = await Promise.all([a.content(profile.docId), b.content(profile.docId)]);
    outcomes.set(profile.docId, profileOutcome(profile, contents));
  });
  return profiles.flatMap(({ docId }) => outcomes.get(docId) ?? []);
}

export function profileOutcome(
  { docId, profileId, heads, conflicts }: ProfilePreview,
  contents: readonly [DocumentContentReport | undefined, DocumentContentReport | undefined],
): ProfileOutcome {
  const before = [...heads[0], ...heads[1]];
  const missingIn = (content: DocumentContentReport | undefined): string[] => {
    const has = new Set(content?.changes.map(({ hash }) => hash));
    return before.filter((head) => !has.has(head));
  };
  const missing = [missingIn(contents[0]), missingIn(contents[1])] as const;
  const merged = missing.every((heads) => heads.length === 0);
  const fields = conflicts.map(({ pointer, values }): FieldOutcome => {
    const [winner] = values;
    const stillWins = contents.map((content) => winnerAt(content, pointer) === winner?.opId);
    const outcome = !merged
      ? "not merged"
      : stillWins.every((each) => each)
        ? "as told"
        : "settled since";
    const now = [valueAt(contents[0], pointer), valueAt(contents[1], pointer)] as const;
    return { pointer, outcome, told: winner?.value, now };
  });
  const equal = contents[0]?.heads.join() === contents[1]?.heads.join();
  return { docId, profileId, merged, equal, missing, fields };
}

function winnerAt(content: DocumentContentReport | undefined, pointer: string): string | undefined {
  return content?.conflicts.find((each) => each.pointer === pointer)?.values[0]?.opId;
}

/** RFC 6901, in a value that is known to be JSON. */
function valueAt(content: DocumentContentReport | undefined, pointer: string): unknown {
  if (content === undefined || content.deleted) return undefined;
  const keys = pointer.split("/").slice(1);
  return keys.reduce<unknown>((value, key) => {
    const name = key.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof value !== "object" || value === null) return undefined;
    return Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
  }, content.profile);
}
