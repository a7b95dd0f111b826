/** Profiles in an order that clients page through, in memory: everything is looked at and sorted. */
import type { ProfileId, Tenant } from "@atoll/core";
import { splitProfileId, toHex } from "@atoll/core";
import type { DocumentRow, ListedProfile, ProfileListing } from "./store.ts";

export function listProfiles(
  rows: Iterable<DocumentRow>,
  listing: ProfileListing,
): ListedProfile[] {
  const listed: ListedProfile[] = [];
  for (const { position, docId, shard, profileId, updatedHlc } of listable(rows, listing.tenant)) {
    const row = { position, docId: docId.slice() as typeof docId, shard, profileId, updatedHlc };
    if (isAfter(row, listing)) listed.push(row);
  }
  const byId = listing.order === "id";
  return listed
    .sort((a, b) => (byId ? compare(a.profileId, b.profileId) : compareUpdates(a, b)))
    .slice(0, listing.limit);
}

export function countProfiles(rows: Iterable<DocumentRow>, tenant: Tenant): number {
  return [...listable(rows, tenant)].length;
}

function* listable(
  rows: Iterable<DocumentRow>,
  tenant: Tenant,
): Generator<DocumentRow & { readonly profileId: ProfileId }> {
  for (const row of rows) {
    const { profileId } = row;
    if (row.deleted || profileId === undefined) continue;
    if (splitProfileId(profileId).tenant === tenant) yield { ...row, profileId };
  }
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
