// The invariants of replication, I1 to I8, each by its name and at every step of random histories: writes,
// cuts, crashes, restarts and trimmed logs in a fleet of three.
import { expect, test } from "vitest";
import fc from "fast-check";
import type { LogEntry, RegionVector } from "@atoll/core";
import { SUM_ZERO, addSums, elementOf, isPlaceless, must, originRegion, toHex } from "@atoll/core";
import { Cuts } from "./cut.ts";
import { Fleet } from "./fleet.fixture.ts";
import type { Replica } from "./replica.ts";

const IDS = ["p0", "p1", "p2"];
const RETENTION = { ageMs: 0, bytes: 1e9, deadPeerAfterMs: 3_000 };
const EVERYTHING = { from: 0, to: 2 ** 52, limit: 1_000 };

type Step =
  | { readonly kind: "write"; readonly at: number; readonly id: number }
  | { readonly kind: "cut"; readonly at: number; readonly other: number }
  | { readonly kind: "crash" | "start" | "trim" | "heal"; readonly at: number }
  | { readonly kind: "pass"; readonly ms: number };

const at = fc.nat(2);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({ kind: fc.constant("write" as const), at, id: fc.nat(2) }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant("pass" as const),
        ms: fc.oneof(fc.nat(300), fc.constant(4_000)),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("cut" as const), at, other: at }) },
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constantFrom("crash" as const, "start" as const, "trim" as const, "heal" as const),
        at,
      }),
    },
  ),
  { minLength: 4, maxLength: 25 },
);

/** Lives random histories, with all committed, and looks after every step. */
async function always(look: (fleet: Fleet, step: Step) => void | Promise<void>): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.nat(), steps, async (seed, history) => {
      const fleet = new Fleet(seed, { retention: RETENTION });
      let written = 0;
      for (const step of history) {
        await live(fleet, step, () => written++);
        for (const replica of replicas(fleet)) replica.flush();
        await look(fleet, step);
      }
      await fleet.close();
    }),
    { numRuns: 25 },
  );
}

async function live(fleet: Fleet, step: Step, next: () => number): Promise<void> {
  if (step.kind === "pass") return fleet.run(step.ms);
  const name = must(fleet.names[step.at], "region");
  const isUp = fleet.isUp(name);
  if (step.kind === "cut" && step.at !== step.other) {
    fleet.network.cut(name, must(fleet.names[step.other], "region"));
  } else if (step.kind === "heal") {
    for (const other of fleet.names) if (other !== name) fleet.network.heal(name, other);
  } else if (step.kind === "start" && !isUp) fleet.start(name);
  else if (step.kind === "crash" && isUp) fleet.crash(name);
  else if (step.kind === "trim" && isUp) {
    fleet.driver(name).retention.walk();
  } else if (step.kind === "write" && isUp) {
    const patch = { [`v${next()}`]: true };
    await fleet.write(name, must(IDS[step.id], "id"), { kind: "merge-patch", patch });
  }
}

function replicas(fleet: Fleet): Replica[] {
  return fleet.names.filter((name) => fleet.isUp(name)).map((name) => fleet.driver(name).replica);
}

function entriesOf({ store }: Replica): LogEntry[] {
  const entries: LogEntry[] = [];
  for (let lane = store.scrub.nextLane(undefined); lane; lane = store.scrub.nextLane(lane)) {
    for (const { entry, isVoid } of store.scrub.scanLog(lane, undefined, 10_000)) {
      if (entry !== undefined && !isVoid) entries.push(entry);
    }
  }
  return entries;
}

/** Names of all changes, from the documents themselves. */
function changesOf({ store, documents }: Replica): string[] {
  return store
    .listDocuments(EVERYTHING)
    .flatMap((row) => documents.open(row).changeHashes().map(toHex))
    .sort();
}

const rootOf = (replica: Replica): string => toHex(replica.ledger.root);

test("I1: a bucket is the sum of its documents in every committed state", async () => {
  await always((fleet) => {
    for (const { store } of replicas(fleet)) {
      const stored = new Map<number, string>();
      const counted = new Map<number, string>();
      for (const { shard, sum } of store.readBuckets()) plus(stored, shard, sum);
      for (const { shard, sum } of store.listDocuments(EVERYTHING)) plus(counted, shard, sum);
      expect(nonzero(stored)).toEqual(nonzero(counted));
    }
  });
});

test("I2: an entry counts in document, sums and frontier if and only if it is applied", async () => {
  await always((fleet) => {
    for (const replica of replicas(fleet)) {
      const { store, ledger, cluster } = replica;
      const applied = changesOf(replica);
      expect(ledger.changes).toBe(applied.length);
      expect(new Set(applied).size).toBe(applied.length);
      let sum = SUM_ZERO;
      for (const row of store.listDocuments(EVERYTHING)) {
        for (const hash of replica.documents.open(row).changeHashes()) {
          sum = addSums(sum, elementOf(cluster.keys, row.docId, hash));
        }
      }
      expect(toHex(sum)).toBe(rootOf(replica));
      for (const docId of store.pendingDocuments()) {
        for (const { entry } of store.pendingOf(docId)) {
          expect(ledger.frontier.lane(entry).has(entry.seq)).toBe(false);
          expect(store.hasLogEntry(entry, entry.seq)).toBe(false);
        }
      }
      for (const entry of entriesOf(replica)) {
        expect(ledger.frontier.lane(entry).has(entry.seq)).toBe(true);
      }
    }
  });
});

test("I3: contig = k means that every entry 1 … k is applied or VOID", async () => {
  const memory = new WeakMap<Fleet, Map<string, string>>();
  await always((fleet) => {
    const written = memory.get(fleet) ?? new Map<string, string>();
    memory.set(fleet, written);
    for (const replica of replicas(fleet)) {
      for (const entry of entriesOf(replica)) written.set(placeOf(entry), toHex(entry.hash));
    }
    for (const replica of replicas(fleet)) {
      const applied = new Set(changesOf(replica));
      for (const [lane, { contig }] of replica.ledger.frontier.lanes()) {
        for (let seq = 1; seq <= contig; seq++) {
          expect(applied).toContain(written.get(placeOf({ ...lane, seq })));
          const isTrimmed = seq <= replica.ledger.trimmedThrough(lane);
          if (!isTrimmed) expect(replica.store.hasLogEntry(lane, seq)).toBe(true);
        }
      }
    }
  });
});

test("I4: timestamps rise along an origin, and nothing is known elsewhere before its fsync", async () => {
  await always((fleet) => {
    for (const replica of replicas(fleet)) {
      const last = new Map<string, number>();
      const ours = entriesOf(replica).sort((a, b) => a.hlc - b.hlc);
      for (const { origin, shard, seq, hlc } of ours) {
        const lane = `${origin} ${shard}`;
        expect(seq).toBeGreaterThan(last.get(lane) ?? 0);
        last.set(lane, seq);
        expect(hlc).toBeGreaterThan(0);
      }
      const stamps = ours.map(({ origin, hlc }) => `${origin} ${hlc}`);
      expect(new Set(stamps).size).toBe(stamps.length);
    }
    // What a region knows of another is in the other's store, whatever a crash has undone there.
    for (const replica of replicas(fleet)) {
      for (const [lane, { contig }] of replica.ledger.frontier.lanes()) {
        const home = fleet.cluster.regions.find(({ code }) => code === originRegion(lane.origin));
        const stored = must(fleet.stores.get(must(home, "region").name), "store")
          .readFrontier()
          .find(({ shard, origin }) => shard === lane.shard && origin === lane.origin);
        expect(stored?.contig ?? 0).toBeGreaterThanOrEqual(contig);
      }
    }
  });
});

test("I5: adding an element twice adds it once", async () => {
  await always((fleet) => {
    const all = replicas(fleet).flatMap(entriesOf);
    for (const replica of replicas(fleet)) {
      const others = all.filter(({ origin }) => origin !== replica.origin);
      const held = others.filter((entry) => replica.ledger.frontier.lane(entry).has(entry.seq));
      const root = rootOf(replica);
      for (const repair of [false, true]) {
        replica.ingest(held, { region: "test", repair });
        replica.flush();
        expect(rootOf(replica)).toBe(root);
      }
    }
  });
});

test("I6: a sequence number is never used twice", async () => {
  const memory = new WeakMap<Fleet, Map<string, string>>();
  await always((fleet) => {
    const names = memory.get(fleet) ?? new Map<string, string>();
    memory.set(fleet, names);
    for (const entry of replicas(fleet).flatMap(entriesOf)) {
      const name = toHex(entry.hash);
      expect(names.get(placeOf(entry)) ?? name).toBe(name);
      names.set(placeOf(entry), name);
      expect(isPlaceless(entry)).toBe(false);
    }
  });
});

test("I7: what lies at or below a cut does not change by writing", async () => {
  await always(async (fleet, step) => {
    if (step.kind !== "pass") return;
    const before = replicas(fleet).map((replica) => {
      const { ledger, store, cluster, region } = replica;
      const cut: RegionVector = new Map([...ledger.covered, [region.code, replica.stamp()]]);
      const rootAt = (): string | undefined => {
        const at_ = new Cuts({ tree: ledger.tree, store, cluster }).at(cut);
        return at_ && toHex(at_.root.sum);
      };
      return { rootAt, root: rootAt(), name: region.name };
    });
    for (const { name, rootAt, root } of before) {
      const value = { kind: "merge-patch", patch: { written: name } } as const;
      await fleet.write(name, "p0", value);
      expect(rootAt()).toBe(root);
    }
  });
});

test("I8: the sums in memory are those of the stored buckets", async () => {
  await always((fleet) => {
    for (const { store, ledger } of replicas(fleet)) {
      const total = store.readBuckets().reduce((sum, row) => addSums(sum, row.sum), SUM_ZERO);
      expect(toHex(ledger.root)).toBe(toHex(total));
      const shards = new Map<number, string>();
      for (const { shard, sum } of store.readBuckets()) plus(shards, shard, sum);
      for (const [shard, sum] of shards) expect(toHex(ledger.shard(shard).sum)).toBe(sum);
    }
  });
});

function plus(sums: Map<number, string>, shard: number, sum: Uint8Array): void {
  const before = sums.get(shard);
  const known = before === undefined ? SUM_ZERO : new Uint8Array(Buffer.from(before, "hex"));
  sums.set(shard, toHex(addSums(known, sum)));
}

function nonzero(sums: ReadonlyMap<number, string>): [number, string][] {
  return [...sums].filter(([, sum]) => sum !== toHex(SUM_ZERO)).sort(([a], [b]) => a - b);
}

function placeOf({ origin, shard, seq }: Pick<LogEntry, "origin" | "shard" | "seq">): string {
  return `${origin} ${shard} ${seq}`;
}
