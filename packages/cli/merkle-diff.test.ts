import { expect, test } from "vitest";
import { merkleDiff } from "./merkle-diff.ts";
import type { TreePlace } from "./truth-client.ts";

const SHARDS = 4;
const BITS = 52;
const LISTED_MAX = 2;

interface Doc {
  readonly position: number;
  readonly changes: number;
}

/** A region that holds these documents; its sums are their names, which serves as well here. */
function region(documents: Readonly<Record<string, Doc>>) {
  let asked = 0;
  const under = ({ depth, index }: TreePlace) => {
    const span = 2 ** (BITS - depth);
    return Object.entries(documents).filter(
      ([, { position }]) => Math.floor(position / span) === index,
    );
  };
  const sumOf = (place: TreePlace) => ({
    changes: under(place).length,
    sum: JSON.stringify(under(place)),
  });
  return {
    get asked() {
      return asked;
    },
    shards() {
      const depth = Math.log2(SHARDS);
      const shards = Array.from({ length: SHARDS }, (_, index) => sumOf({ depth, index }));
      return Promise.resolve({ region: "r", root: sumOf({ depth: 0, index: 0 }), shards });
    },
    node(_cut: object, place: TreePlace, fanBits: number) {
      asked++;
      const found = under(place);
      const children = Array.from({ length: 2 ** fanBits }, (_, i) =>
        sumOf({ depth: place.depth + fanBits, index: place.index * 2 ** fanBits + i }),
      );
      const listed = found.map(([docId, doc]) => ({
        ...{ docId, profileId: `p-${docId}`, changes: doc.changes },
        sum: JSON.stringify(doc),
      }));
      return Promise.resolve({ children, documents: found.length > LISTED_MAX ? null : listed });
    },
  };
}

const shared = Object.fromEntries(
  Array.from({ length: 40 }, (_, i) => [
    `d${i}`,
    { position: (2 ** BITS / 40) * i + i, changes: 1 },
  ]),
);
const all = { documentsMax: 100 };

test("equal regions are compared by their shards alone", async () => {
  const [a, b] = [region(shared), region(shared)];
  const diff = await merkleDiff([a, b], {}, all);
  expect(diff).toEqual({ shardCount: 4, differentShards: [], documents: [], complete: true });
  expect(a.asked + b.asked).toBe(0);
});

test("what differs is found by descending, and no more is asked than that needs", async () => {
  const a = region({ ...shared, d7: { position: shared["d7"]?.position ?? 0, changes: 3 } });
  const rest = Object.fromEntries(Object.entries(shared).filter(([docId]) => docId !== "d30"));
  const b = region({ ...rest, extra: { position: 5, changes: 2 } });
  const { documents, differentShards, complete } = await merkleDiff([a, b], {}, all);
  expect(documents.toSorted((x, y) => (x.docId < y.docId ? -1 : 1))).toEqual([
    { docId: "d30", profileId: "p-d30", changes: [1, 0] },
    { docId: "d7", profileId: "p-d7", changes: [3, 1] },
    { docId: "extra", profileId: "p-extra", changes: [0, 2] },
  ]);
  expect([differentShards, complete]).toEqual([[0, 3], true]);
  expect(a.asked).toBeLessThan(12);
});

test("a search ends at its bound, and says so", async () => {
  const diff = await merkleDiff([region(shared), region({})], {}, { documentsMax: 3 });
  expect(diff.complete).toBe(false);
  expect(diff.documents.length).toBeGreaterThanOrEqual(3);
  expect(diff.documents.length).toBeLessThan(40);
});
