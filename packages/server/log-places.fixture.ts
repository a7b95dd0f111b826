/**
 * Was a place in a log given twice? Asked of the files of stopped regions, because no region can see it:
 * each holds the one entry that it heard of first.
 *
 *     place   shard ‖ origin ‖ seq          one change, in every file that holds it
 */
import { originText, toHex } from "@atoll/core";
import { openSqliteStore } from "@atoll/store";

export interface ReusedPlace {
  readonly place: string;
  readonly changes: readonly string[];
}

/** Places that hold different changes in these files, and how many places were looked at. */
export function findReusedPlaces(paths: readonly string[]): {
  readonly places: number;
  readonly reused: ReusedPlace[];
} {
  const changesByPlace = new Map<string, Set<string>>();
  for (const path of paths) {
    for (const [place, change] of placesOf(path)) {
      const changes = changesByPlace.get(place) ?? new Set();
      changesByPlace.set(place, changes.add(change));
    }
  }
  const reused = [...changesByPlace]
    .filter(([, changes]) => changes.size > 1)
    .map(([place, changes]) => ({ place, changes: [...changes] }));
  return { places: changesByPlace.size, reused };
}

function* placesOf(path: string): Generator<readonly [place: string, change: string]> {
  const store = openSqliteStore({ path });
  try {
    for (const { shard, origin, max } of store.readFrontier()) {
      const range = { lo: 1, hi: max };
      for (const entry of store.readLog({ shard, origin }, range, Number.MAX_SAFE_INTEGER)) {
        const place = `${shard} ${originText(origin)} ${entry.seq}`;
        yield [place, `${toHex(entry.docId)} ${toHex(entry.hash)}`];
      }
    }
  } finally {
    store.close();
  }
}
