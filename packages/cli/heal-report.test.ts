import { describe, expect, test } from "vitest";
import type { DocumentContentReport } from "@atoll/server";
import { divergedDocuments } from "./diverged-documents.ts";
import type { ProfilePreview } from "./heal-preview.ts";
import { profileOutcome } from "./heal-report.ts";
import { jsonDifferences } from "./json-differences.ts";

const conflict = (pointer: string, ...values: readonly [string, unknown][]) => ({
  pointer,
  values: values.map(([opId, value]) => ({ opId, value: value as never, region: "a" })),
});
const told: ProfilePreview = {
  docId: "d",
  profileId: "ada",
  heads: [["h1"], ["h2"]],
  changes: [1, 1],
  edits: [["/a~1b"], ["/a~1b"]],
  conflicts: [conflict("/a~1b", ["2@x", "win"], ["1@y", "lose"])],
  deletedIn: [false, false],
  deleted: false,
  unseen: undefined,
};

function content(
  hashes: readonly string[],
  profile: object,
  conflicts = told.conflicts,
): DocumentContentReport {
  const changes = hashes.map((hash) => ({ hash, region: "a", time: "" }));
  const shown = { exists: true, deleted: false, profile: profile as never };
  return { ...shown, heads: [...hashes], changes, conflicts: [...conflicts] };
}

describe("what became of a profile", () => {
  const both = (each: DocumentContentReport) => profileOutcome(told, [each, each]);

  test("is as told when the winner that was told stands in both", () => {
    const outcome = both(content(["h1", "h2"], { "a/b": "win" }));
    expect(outcome).toMatchObject({ merged: true, equal: true, missing: [[], []] });
    expect(outcome.fields).toEqual([
      { pointer: "/a~1b", outcome: "as told", told: "win", now: ["win", "win"] },
    ]);
  });

  test("is settled since when somebody wrote the field after the merge", () => {
    const outcome = both(content(["h1", "h2", "h3"], { "a/b": "third" }, []));
    expect(outcome).toMatchObject({ merged: true, fields: [{ outcome: "settled since" }] });
  });

  test("is not merged while a region lacks a change of before, and says which", () => {
    const outcome = profileOutcome(told, [content(["h1"], { "a/b": "lose" }, []), undefined]);
    expect(outcome).toMatchObject({ merged: false, missing: [["h2"], ["h1", "h2"]] });
    expect(outcome.fields[0]).toMatchObject({ outcome: "not merged", now: ["lose", undefined] });
  });
});

describe("diverged documents", () => {
  const above = (documents: Readonly<Record<string, readonly string[]>>, complete = true) => ({
    above: (_cut: object, after: string | null) => {
      const rest = Object.entries(documents)
        .filter(([docId]) => after === null || docId > after)
        .map(([docId, heads]) => ({ docId, profileId: null, changes: 1, heads: [...heads] }));
      const page = rest.slice(0, 1); // one to a page
      const next = rest.length > 1 ? (page[0]?.docId ?? null) : null;
      return Promise.resolve({
        total: { documents: 0, changes: 0 },
        complete,
        documents: page,
        next,
      });
    },
  });

  test("are those that one side alone changed since the cut, and those whose heads differ", async () => {
    const a = above({ d1: ["h1"], d2: ["h2"], d3: ["h3"] });
    const b = above({ d2: ["h2"], d3: ["h4"], d4: ["h5"] });
    const { documents, complete } = await divergedDocuments([a, b], {});
    expect(documents.map(({ docId, heads }) => [docId, heads])).toEqual([
      ["d1", [["h1"], null]],
      ["d3", [["h3"], ["h4"]]],
      ["d4", [null, ["h5"]]],
    ]);
    expect(complete).toBe(true);
  });

  test("are not all when one log does not tell all", async () => {
    const { complete } = await divergedDocuments([above({ a: [] }), above({ b: [] }, false)], {});
    expect(complete).toBe(false);
  });
});

test.each([
  [{ a: 1 }, { a: 1 }, []],
  [{ a: 1 }, { a: 2 }, ["/a"]],
  [{ a: { b: 1, c: 2 } }, { a: { b: 1, c: 3, d: 4 } }, ["/a/c", "/a/d"]],
  [{ a: [1, 2] }, { a: [1, 3] }, ["/a"]],
  [{ "x/y": 1, "~": 1 }, {}, ["/x~1y", "/~0"]],
  [{ a: {} }, { a: [] }, ["/a"]],
  [{ a: null }, {}, ["/a"]],
  [{ __proto__x: 1 }, { toString: 1 }, ["/__proto__x", "/toString"]],
])("%j and %j differ at %j", (a, b, pointers) => {
  expect(jsonDifferences(a, b).map(({ pointer }) => pointer)).toEqual(pointers);
});
