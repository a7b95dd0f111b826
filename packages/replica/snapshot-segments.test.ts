import { expect, test } from "vitest";
import fc from "fast-check";
import type { Hlc, ProfileId, RegionCode } from "@atoll/core";
import { deriveClusterKeys } from "@atoll/core";
import { SessionTokens } from "@atoll/sync";
import { SnapshotSegments } from "./snapshot-segments.ts";

const keys = deriveClusterKeys("the secret of this test", "test");
const tokens = new SessionTokens({ id: "test", shardCount: 16, regions: [], keys });

function segments(sizes: { segmentBytes?: number; segmentsMax?: number } = {}): SnapshotSegments {
  return new SnapshotSegments({ vectorOf: (token) => tokens.vectorOf(token), ...sizes });
}

function snapshot(n: number, json = `{"n":${n}}`) {
  const dep = new Map([[(1 + (n % 3)) as RegionCode, (2 ** 40 + n) as Hlc]]);
  return {
    ...{ id: `profile-${n}` as ProfileId, json, etag: String(n).padStart(22, "e") },
    ...{ heads: [String(n).padStart(64, "0")], createdAtMs: 1.7e12 + n, updatedAtMs: 1.8e12 + n },
    ...{ hasConflicts: n % 2 === 0, dep, sessionToken: tokens.encode(dep) },
  };
}

/** All fields as values: what is read again is an object of another making. */
function seen(snapshots: SnapshotSegments, id: ProfileId) {
  const kept = snapshots.get(id);
  return kept && { ...kept, dep: kept.dep };
}

test("a snapshot comes back as it was, in any script", () => {
  const kept = segments();
  const digits = fc.array(fc.constantFrom(..."0123456789abcdef"), { minLength: 64, maxLength: 64 });
  const head = digits.map((all) => all.join(""));
  const made = fc.record({
    id: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._:~-]{0,127}$/).map((id) => id as ProfileId),
    json: fc.jsonValue().map((value) => JSON.stringify({ value, name: "Zoë 李 🌊" })),
    plain: fc.string({ unit: "grapheme-ascii" }),
    heads: fc.array(head, { minLength: 1, maxLength: 20 }),
    regions: fc.uniqueArray(fc.integer({ min: 1, max: 63 }), { maxLength: 63 }),
    isAscii: fc.boolean(),
    hasConflicts: fc.boolean(),
  });
  fc.assert(
    fc.property(made, ({ id, json, plain, heads, regions, isAscii, hasConflicts }) => {
      const ascending = regions.sort((a, b) => a - b);
      const dep = new Map(ascending.map((code) => [code as RegionCode, (2 ** 52 - code) as Hlc]));
      const one = {
        ...snapshot(1),
        ...{ id, json: isAscii ? JSON.stringify(plain) : json, heads, hasConflicts },
        ...{ dep, sessionToken: tokens.encode(dep) },
      };
      kept.set(one);
      expect(seen(kept, id)).toEqual(one);
    }),
  );
});

test("the last of a profile is kept, and what has changed or was cleared is not", () => {
  const kept = segments();
  kept.set(snapshot(1));
  kept.set({ ...snapshot(2), id: snapshot(1).id });
  expect(kept.get(snapshot(1).id)?.json).toBe(snapshot(2).json);
  kept.delete(snapshot(1).id);
  expect(kept.get(snapshot(1).id)).toBeUndefined();
  kept.set(snapshot(3));
  kept.clear();
  expect(kept.get(snapshot(3).id)).toBeUndefined();
  kept.set(snapshot(4));
  expect(seen(kept, snapshot(4).id)).toEqual(snapshot(4));
});

test("beyond its segments the oldest go, and what is asked for stays", () => {
  const kept = segments({ segmentBytes: 2_000, segmentsMax: 4 }); // some ten in each
  for (let n = 0; n < 500; n++) {
    kept.set(snapshot(n));
    expect(seen(kept, snapshot(0).id)).toEqual(snapshot(0));
  }
  const left = Array.from({ length: 500 }, (_, n) => n).filter(
    (n) => kept.get(snapshot(n).id) !== undefined,
  );
  expect(left.length).toBeGreaterThan(15);
  expect(left.length).toBeLessThan(60);
  for (const n of left) expect(seen(kept, snapshot(n).id)).toEqual(snapshot(n));
  expect(left.filter((n) => n > 0).every((n) => n > 500 - 60)).toBe(true);
});

test("one that is larger than a segment is not kept, nor is the one before it", () => {
  const kept = segments({ segmentBytes: 1_000, segmentsMax: 2 });
  kept.set(snapshot(1));
  kept.set(snapshot(1, JSON.stringify("x".repeat(1_000))));
  expect(kept.get(snapshot(1).id)).toBeUndefined();
});
