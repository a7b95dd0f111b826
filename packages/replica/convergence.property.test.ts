// Random histories on three replicas: whoever holds the same entries shows the same. No network here;
// the simulator has one.
import { describe, expect, test } from "vitest";
import fc from "fast-check";
import { must } from "@atoll/core";
import {
  RUNS,
  bodies,
  copies,
  deliverAll,
  edit,
  edits,
  expectSame,
  jsonOf,
} from "./copies.fixture.ts";

const ids = ["p", "q"];
const steps = fc.array(
  fc.record({ at: fc.nat(2), id: fc.constantFrom(...ids), edit: edits, deliver: fc.nat(9) }),
  { minLength: 1, maxLength: 7 },
);

describe("replicas that hold the same entries", () => {
  test("show the same bytes, heads and roots, in any order of arrival and with duplicates", () => {
    fc.assert(
      fc.property(steps, fc.nat(), (history, seed) => {
        const all = copies();
        for (const step of history) {
          edit(must(all[step.at], "copy"), step.id, step.edit);
          if (step.deliver === 0) deliverAll(all, seed + 1); // not everything is concurrent
        }
        deliverAll(all, seed);
        expectSame(all, ids);
      }),
      { numRuns: RUNS },
    );
  });

  test("keep what a patch set while a put replaced everything it knew", () => {
    fc.assert(
      fc.property(bodies, bodies, fc.nat(), (before, after, seed) => {
        const all = copies();
        const [a, b] = [must(all[0], "a"), must(all[1], "b")];
        edit(a, "p", { kind: "put", value: before });
        deliverAll(all, seed);
        edit(a, "p", { kind: "put", value: after });
        edit(b, "p", {
          kind: "merge-patch",
          patch: { patched: "here", address: { street: "Elm" } },
        });
        deliverAll(all, seed);
        expectSame(all, ["p"]);
        expect(jsonOf(a, "p")).toMatchObject({ patched: "here", address: { street: "Elm" } });
      }),
      { numRuns: RUNS },
    );
  });
});
