// A fleet that trims whatever its rules allow, at any moment, with limits so small that they are always met:
// cuts longer than a region is waited for, crashes, restarts, and files put back to an earlier copy. Once
// everything is healed all regions are byte-identical, nothing waits, and nothing that was acknowledged and
// not lost with a restored file is missing.
import { expect, test } from "vitest";
import fc from "fast-check";
import { must, toHex } from "@atoll/core";
import type { Store } from "@atoll/store";
import { Fleet } from "./fleet.fixture.ts";
import { copyOf } from "./store-copy.fixture.ts";

const IDS = ["p0", "p1", "p2"];
/** Everything may go as soon as all live regions have it; `hard`: as soon as it is in its document. */
const KINDS = {
  polite: { ageMs: 0, bytes: 1e9, deadPeerAfterMs: 3_000 },
  hard: { ageMs: 0, bytes: 1, deadPeerAfterMs: 3_000 },
} as const;

type Step =
  | { readonly kind: "write"; readonly at: number; readonly id: number; readonly field: number }
  | { readonly kind: "cut"; readonly a: number; readonly b: number }
  | { readonly kind: "heal"; readonly a: number; readonly b: number }
  | {
      readonly kind: "crash" | "stop" | "start" | "trim" | "copy" | "restore";
      readonly at: number;
    }
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
        id: fc.nat(IDS.length - 1),
        field: fc.nat(3),
      }),
    },
    { weight: 5, arbitrary: fc.record({ kind: fc.constant("trim" as const), at: regions }) },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant("pass" as const),
        ms: fc.oneof(fc.nat(300), fc.constant(4_000)),
      }),
    },
    {
      weight: 3,
      arbitrary: fc
        .tuple(fc.constantFrom("cut" as const, "heal" as const), pairs)
        .map(([kind, pair]) => ({ kind, ...pair })),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constantFrom(
          "crash" as const,
          "stop" as const,
          "start" as const,
          "copy" as const,
          "restore" as const,
        ),
        at: regions,
      }),
    },
  ),
  { minLength: 5, maxLength: 40 },
);

test.each(Object.keys(KINDS) as (keyof typeof KINDS)[])(
  "a fleet that trims what it may (%s) loses nothing and ends byte-identical",
  async (kind) => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), steps, async (seed, history) => {
        const life = new Life(seed, kind);
        for (const step of history) await life.live(step);
        await life.end();
      }),
      { numRuns: 30 },
    );
  },
);

class Life {
  readonly #fleet: Fleet;
  readonly #acknowledged = new Map<string, string>();
  readonly #copies = new Map<string, Store>();
  #written = 0;

  constructor(seed: number, kind: keyof typeof KINDS) {
    this.#fleet = new Fleet(seed, { retention: KINDS[kind] });
  }

  async live(step: Step): Promise<void> {
    const fleet = this.#fleet;
    const name = (index: number): string => must(fleet.names[index], "region");
    if (step.kind === "pass") return fleet.run(step.ms);
    if (step.kind === "cut") return fleet.network.cut(name(step.a), name(step.b));
    if (step.kind === "heal") return fleet.network.heal(name(step.a), name(step.b));
    const at = name(step.at);
    const isUp = fleet.isUp(at);
    if (step.kind === "start") {
      if (!isUp) fleet.start(at);
    } else if (step.kind === "write") {
      if (isUp) await this.#write(at, must(IDS[step.id], "id"), step.field);
    } else if (step.kind === "trim") {
      if (isUp) this.#trim(at);
    } else if (step.kind === "crash") {
      if (isUp) fleet.crash(at);
    } else if (step.kind === "stop") {
      if (isUp) await fleet.driver(at).close();
      fleet.forget(at);
    } else if (step.kind === "copy") {
      if (isUp) fleet.driver(at).replica.flush();
      this.#copies.set(at, copyOf(must(fleet.stores.get(at), at)));
    } else await this.#restore(at);
  }

  async end(): Promise<void> {
    const fleet = this.#fleet;
    for (const [i, a] of fleet.names.entries()) {
      for (const b of fleet.names.slice(i + 1)) fleet.network.heal(a, b);
    }
    for (const name of fleet.names) if (!fleet.isUp(name)) fleet.start(name);
    await fleet.until("converged", () => fleet.converged(), 200_000);
    for (const id of IDS) {
      const [first, ...others] = await Promise.all(fleet.names.map((name) => fleet.json(name, id)));
      for (const other of others) expect(other).toBe(first);
      for (const [value, of] of this.#acknowledged) {
        if (of === id) expect(first).toContain(`"${value}":`);
      }
    }
    for (const name of fleet.names) {
      const { ledger, store } = fleet.driver(name).replica;
      expect(store.countPending()).toBe(0);
      for (const [lane, { gaps, contig }] of ledger.frontier.lanes()) {
        expect(gaps).toEqual([]);
        for (let seq = ledger.trimmedThrough(lane) + 1; seq <= contig; seq++) {
          expect(store.hasLogEntry(lane, seq)).toBe(true);
        }
      }
    }
    await this.#expectSound();
    await fleet.close();
  }

  /** What is summed is what the documents hold, and nothing is counted twice. */
  async #expectSound(): Promise<void> {
    const fleet = this.#fleet;
    const root = (name: string): string => toHex(fleet.driver(name).replica.ledger.root);
    for (const name of fleet.names) {
      const before = root(name);
      const { scrub } = fleet.driver(name);
      scrub.verify();
      await fleet.until("verified", () => scrub.report().state !== "running", 600_000);
      expect(scrub.report().faults.listed).toEqual([]);
      expect(root(name)).toBe(before);
    }
  }

  async #write(at: string, id: string, field: number): Promise<void> {
    const value = `v${this.#written++}`;
    const patch = { [`f${field}`]: { [value]: true } };
    const answer = await this.#fleet.write(at, id, { kind: "merge-patch", patch });
    expect(answer.kind).toBe("written");
    this.#acknowledged.set(value, id);
  }

  #trim(at: string): void {
    const { replica, retention } = this.#fleet.driver(at);
    replica.flush();
    retention.walk();
    replica.flush();
  }

  /** What nobody else who is up has by now is given up. */
  async #restore(at: string): Promise<void> {
    const fleet = this.#fleet;
    const copy = this.#copies.get(at);
    if (copy === undefined) return;
    if (fleet.isUp(at)) fleet.crash(at);
    const others = fleet.names.filter((name) => fleet.isUp(name));
    for (const [value, id] of this.#acknowledged) {
      const shown = await Promise.all(others.map((name) => fleet.json(name, id)));
      if (!shown.some((json) => json?.includes(`"${value}":`) === true)) {
        this.#acknowledged.delete(value);
      }
    }
    this.#copies.delete(at);
    fleet.stores.set(at, copy);
    fleet.start(at);
  }
}
