/**
 * I10: the root that a region reports is the sum of its documents, of its stored buckets and of its changes (in the log or, once trimmed, in documents); and
 * I3: every document comes back from its own bytes as it was.
 */
import type { Evidence } from "./evidence.ts";
import type { Found } from "./violation.ts";

export function checkRoots({ finals, gone }: Pick<Evidence, "finals" | "gone">): Found[] {
  return finals.flatMap((state) => {
    const sums = [
      ["documents", state.rootOfDocuments],
      ["stored buckets", state.rootOfBuckets],
      // A row that rotted and is nowhere else stays in its document and not in the log.
      ["changes", gone.size === 0 ? state.rootOfChanges : state.root],
    ] as const;
    return sums
      .filter(([, sum]) => sum !== undefined && sum !== state.root)
      .map(([what]) => ({
        checker: "roots",
        message: `${state.region}: the root is not the sum of its ${what}`,
      }));
  });
}

export function checkLoading({ finals }: Pick<Evidence, "finals">): Found[] {
  return finals.flatMap(({ region, unloadable }) =>
    unloadable.map((reason) => ({ checker: "loading", message: `${region}: ${reason}` })),
  );
}
