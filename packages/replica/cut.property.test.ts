// Comparing at a cut while writing goes on: roots at the cut are equal exactly when both copies hold the
// same entries at or below it, whatever lies above it and whenever one asks.
import { expect, test } from "vitest";
import fc from "fast-check";
import type { LogEntry, ProfileId, RegionVector } from "@atoll/core";
import { docIdOf, elementOf, must, originRegion, toHex, vectorAt } from "@atoll/core";
import type { Copy } from "./copies.fixture.ts";
import { copies, edit, testClock } from "./copies.fixture.ts";
import { Cuts } from "./cut.ts";

const ids = ["p", "q", "r", "s"];

type Step =
  | { readonly kind: "write"; readonly at: number; readonly id: number; readonly value: number }
  | { readonly kind: "deliver"; readonly to: number; readonly count: number; readonly pick: number }
  | { readonly kind: "pass"; readonly ms: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant("write" as const),
      at: fc.nat(2),
      id: fc.nat(ids.length - 1),
      value: fc.nat(99),
    }),
    fc.record({
      kind: fc.constant("deliver" as const),
      to: fc.nat(2),
      count: fc.nat(5),
      pick: fc.nat(1000),
    }),
    fc.record({ kind: fc.constant("pass" as const), ms: fc.nat(20) }),
  ),
  { minLength: 1, maxLength: 25 },
);

test("roots at a cut are equal exactly when the entries at or below it are the same", () => {
  fc.assert(
    fc.property(steps, fc.array(fc.nat(1000), { maxLength: 4 }), (history, picks) => {
      const all = copies();
      const cuts = all.map(
        ({ replica: { ledger, store, cluster } }) =>
          new Cuts({ tree: ledger.tree, store, cluster }),
      );
      const held = all.map(() => new Map<string, LogEntry>());
      for (const step of history) {
        if (step.kind === "write") {
          const copy = must(all[step.at], "copy");
          const before = copy.entries.length;
          const patch = { [`f${step.value % 5}`]: step.value };
          edit(copy, must(ids[step.id], "id"), { kind: "merge-patch", patch });
          for (const entry of copy.entries.slice(before)) keep(held[step.at], entry);
        } else if (step.kind === "deliver") {
          deliver(all, held, step);
        } else {
          testClock().advance(step.ms);
        }
        for (const pick of picks) compare(all, cuts, held, pick);
      }
    }),
    { numRuns: 80 },
  );
});

test("what is left of a document below a cut are its own elements", () => {
  const all = copies();
  const copy = must(all[0], "copy");
  for (let i = 0; i < 6; i++) {
    edit(copy, "p", { kind: "merge-patch", patch: { n: i } });
    testClock().advance(10);
  }
  const { replica, entries } = copy;
  const { ledger, store, cluster } = replica;
  const docId = docIdOf("p" as ProfileId);
  const elements = entries.map(({ hash }) => elementOf(cluster.keys, docId, hash));
  for (const [i, { hlc }] of entries.entries()) {
    const vector: RegionVector = new Map([[replica.region.code, hlc]]);
    const cut = must(new Cuts({ tree: ledger.tree, store, cluster }).at(vector), "cut");
    expect(cut.below(docId, elements)).toEqual(elements.slice(0, i + 1));
    expect(cut.documents({ depth: 0, index: 0 }, 10)?.[0]?.changes).toBe(i + 1);
    expect(cut.root.changes).toBe(i + 1);
  }
  const nothing = must(new Cuts({ tree: ledger.tree, store, cluster }).at(new Map()), "cut");
  expect(nothing.documents({ depth: 0, index: 0 }, 10)).toEqual([]);
  expect(nothing.root.changes).toBe(0);
});

/** Some entries that the copy lacks, parents first so that they are applied at once. */
function deliver(
  all: readonly Copy[],
  held: readonly Map<string, LogEntry>[],
  { to, count, pick }: { readonly to: number; readonly count: number; readonly pick: number },
): void {
  const { replica } = must(all[to], "copy");
  const mine = must(held[to], "held");
  const lacking = all
    .flatMap(({ entries }) => entries)
    .filter((entry) => !mine.has(nameOf(entry)))
    .sort((a, b) => a.hlc - b.hlc);
  const from = lacking.length === 0 ? 0 : pick % lacking.length;
  replica.ingest(lacking.slice(from, from + count), { region: "test", repair: false });
  replica.flush();
  // Also those that had come before and waited for one of these.
  for (const entry of lacking) {
    if (replica.ledger.frontier.lane(entry).has(entry.seq)) keep(mine, entry);
  }
}

/** At a cut drawn among the timestamps there are, so that entries lie on both sides of it. */
function compare(
  all: readonly Copy[],
  cuts: readonly Cuts[],
  held: readonly Map<string, LogEntry>[],
  pick: number,
): void {
  const written = all.flatMap(({ entries }) => entries);
  if (written.length === 0) return;
  const vector: RegionVector = new Map(
    all.map(({ replica: { region } }, i) => {
      const entry = must(written[(pick * (i + 7)) % written.length], "entry");
      return [region.code, entry.hlc];
    }),
  );
  const below = held.map((entries) =>
    [...entries.values()]
      .filter(({ origin, hlc }) => hlc <= vectorAt(vector, originRegion(origin)))
      .map(nameOf)
      .sort()
      .join("\n"),
  );
  const roots = cuts.map((cut) => toHex(must(cut.at(vector), "cut").root.sum));
  for (const i of all.keys()) {
    for (const j of all.keys()) expect(roots[i] === roots[j]).toBe(below[i] === below[j]);
  }
}

function keep(entries: Map<string, LogEntry> | undefined, entry: LogEntry): void {
  entries?.set(nameOf(entry), entry);
}

function nameOf({ origin, shard, seq }: LogEntry): string {
  return `${origin} ${shard} ${seq}`;
}
