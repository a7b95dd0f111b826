/** Rows of documents and buckets that were written by nobody. */
import type { ProfileId, Sum } from "@atoll/core";
import { VECTOR_ZERO, addSums } from "@atoll/core";
import type { BucketRow, DocumentPlace, DocumentRow } from "@atoll/store";

export function rowOf(
  place: DocumentPlace,
  profileId: ProfileId | undefined,
  state: Pick<DocumentRow, "heads" | "changeCount" | "sum">,
): Omit<DocumentRow, "createdHlc" | "updatedHlc"> {
  return {
    ...place,
    ...state,
    profileId,
    deleted: false,
    quarantined: false,
    dirty: false,
    dep: VECTOR_ZERO,
    conflicts: 0,
    view: undefined,
  };
}

export function grown(
  row: BucketRow,
  by: { readonly documents: number; readonly changes: number; readonly sum: Sum },
): BucketRow {
  return {
    ...row,
    documents: row.documents + by.documents,
    changes: row.changes + by.changes,
    sum: addSums(row.sum, by.sum),
  };
}
