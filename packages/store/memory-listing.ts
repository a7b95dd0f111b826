/** Profiles in an order that clients page through, in memory: everything is looked at and sorted. */
import { splitProfileId, toHex } from "@atoll/core";
import type { DocumentRow, ListedProfile, ProfileListing } from "./store.ts";

export function listProfiles(
  rows: Iterable<DocumentRow>,
  listing: ProfileListing,
): ListedProfile[] {
  const listed: ListedProfile[] = [];
  for (const { position, docId, shard, profileId, updatedHlc, deleted } of rows) {
    if (deleted || profileId === undefined) continue;
    if (splitProfileId(profileId).tenant !== listing.tenant) continue;
    const row = { position, docId: docId.slice() as typeof docId, shard, profileId, updatedHlc };
    if (isAfter(row, listing)) listed.push(row);
  }
  const byId = listing.order === "id";
  return listed
    .sort((a, b) => (byId ? compare(a.profileId, b.profileId) : compareUpdates(a, b)))
    .slice(0, listing.limit);
}

function isAfter(
  { profileId, updatedHlc, docId }: ListedProfile,
  listing: ProfileListing,
): boolean {
  if (listing.order === "id") return listing.after === undefined || profileId > listing.after;
  const { since, after } = listing;
  if (updatedHlc !== since) return updatedHlc > since;
  return after === undefined || toHex(docId) > toHex(after);
}

function compareUpdates(a: ListedProfile, b: ListedProfile): number {
  return a.updatedHlc - b.updatedHlc || compare(toHex(a.docId), toHex(b.docId));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
