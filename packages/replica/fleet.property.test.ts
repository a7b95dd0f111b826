// A fleet with a network: delays, cuts, paused links, crashes and restarts at random while clients write. Two
// things must hold whatever happens: nothing acknowledged is ever missing from the region that
// acknowledged it, and once everything is healed all regions are byte-identical.
import { expect, test } from "vitest";
import fc from "fast-check";
import { must } from "@atoll/core";
import { Fleet } from "./fleet.fixture.ts";

const IDS = ["p0", "p1", "p2", "p3"];

type Step =
  | { readonly kind: "write"; readonly at: number; readonly id: number; readonly field: number }
  | {
      readonly kind: "cut" | "cut-one-way" | "heal" | "pause" | "resume";
      readonly a: number;
      readonly b: number;
    }
  | { readonly kind: "crash" | "stop" | "start"; readonly at: number }
  | { readonly kind: "pass"; readonly ms: number };

const regions = fc.nat(2);
const pairs = fc.constantFrom([0, 1], [0, 2], [1, 2]).map(([a, b]) => ({ a: a ?? 0, b: b ?? 1 }));
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 10,
      arbitrary: fc.record({
        kind: fc.constant("write" as const),
        at: regions,
        id: fc.nat(3),
        field: fc.nat(4),
      }),
    },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("pass" as const), ms: fc.nat(400) }) },
    {
      weight: 3,
      arbitrary: fc
        .tuple(
          fc.constantFrom(
            "cut" as const,
            "cut-one-way" as const,
            "heal" as const,
            "pause" as const,
            "resume" as const,
          ),
          pairs,
        )
        .map(([kind, pair]) => ({ kind, ...pair })),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constantFrom("crash" as const, "stop" as const, "start" as const),
        at: regions,
      }),
    },
  ),
  { minLength: 5, maxLength: 40 },
);

test("nothing acknowledged is lost, and a healed fleet is byte-identical", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), steps, async (seed, history) => {
      const fleet = new Fleet(seed);
      const acknowledged = new Map<string, { readonly at: string; readonly id: string }>();
      let written = 0;
      for (const step of history) {
        const name = (index: number): string => must(fleet.names[index], "region");
        if (step.kind === "write" && fleet.isUp(name(step.at))) {
          const value = `v${written++}`;
          const id = must(IDS[step.id], "id");
          const patch = { [`f${step.field}`]: { [value]: true } };
          const answer = await fleet.write(name(step.at), id, { kind: "merge-patch", patch });
          expect(answer.kind).toBe("written");
          acknowledged.set(value, { at: name(step.at), id });
        } else if (step.kind === "crash" && fleet.isUp(name(step.at))) {
          fleet.crash(name(step.at));
        } else if (step.kind === "stop" && fleet.isUp(name(step.at))) {
          await fleet.driver(name(step.at)).close();
          fleet.forget(name(step.at));
        } else if (step.kind === "start" && !fleet.isUp(name(step.at))) {
          fleet.start(name(step.at));
          await expectHeld(fleet, name(step.at), acknowledged);
        } else if (step.kind === "cut") fleet.network.cut(name(step.a), name(step.b));
        else if (step.kind === "cut-one-way") fleet.network.cutOneWay(name(step.b), name(step.a));
        else if (step.kind === "heal") fleet.network.heal(name(step.a), name(step.b));
        else if (step.kind === "pause" || step.kind === "resume") {
          const state = step.kind === "pause" ? "paused" : "active";
          if (fleet.isUp(name(step.a)))
            fleet.driver(name(step.a)).setPeerState(name(step.b), state);
        } else if (step.kind === "pass") await fleet.run(step.ms);
      }
      await healAll(fleet);
      await fleet.until("converged", () => fleet.converged(), 120_000);
      for (const name of fleet.names) await expectHeld(fleet, name, acknowledged, "anywhere");
      for (const id of IDS) {
        const [first, ...others] = await Promise.all(
          fleet.names.map((name) => fleet.json(name, id)),
        );
        for (const other of others) expect(other).toBe(first);
      }
      await fleet.close();
    }),
    { numRuns: 200 },
  );
});

async function healAll(fleet: Fleet): Promise<void> {
  for (const [i, a] of fleet.names.entries()) {
    for (const b of fleet.names.slice(i + 1)) fleet.network.heal(a, b);
  }
  for (const name of fleet.names) if (!fleet.isUp(name)) fleet.start(name);
  for (const a of fleet.names) {
    for (const b of fleet.names) fleet.driver(a).setPeerState(b, "active");
  }
  await fleet.run(100);
}

/** Every acknowledged value is in the profile: of this region's own writes, or of everybody's. */
async function expectHeld(
  fleet: Fleet,
  name: string,
  acknowledged: ReadonlyMap<string, { readonly at: string; readonly id: string }>,
  whose: "own" | "anywhere" = "own",
): Promise<void> {
  for (const id of IDS) {
    const json = (await fleet.json(name, id)) ?? "{}";
    for (const [value, { at, id: in_ }] of acknowledged) {
      if (in_ === id && (whose === "anywhere" || at === name))
        expect(json).toContain(`"${value}":`);
    }
  }
}
