// What a region reports of its peers and of conflicts, seen through real drivers.
import { describe, expect, test } from "vitest";
import { CANARY_TENANT, must, mustProfileId, profileOf } from "@atoll/core";
import { Fleet } from "./fleet.fixture.ts";

const [US, EU, AP] = ["us-east-1", "eu-west-1", "ap-northeast-1"] as const;

function peerOf(fleet: Fleet, region: string, peer: string) {
  return must(
    fleet
      .driver(region)
      .peers()
      .find((each) => each.region === peer),
    peer,
  );
}

describe("a peer's clock", () => {
  test("that is ahead or behind is told to within half a second, by both sides", async () => {
    const fleet = new Fleet("skew", { skewsMs: { [EU]: 30_000, [AP]: -30_000 } });
    await fleet.run(5_000);
    const seen = (region: string, peer: string): number =>
      must(peerOf(fleet, region, peer).clockSkewMs, "a live peer's skew") / 1_000;
    expect(Math.abs(seen(US, EU) - 30)).toBeLessThan(0.6);
    expect(Math.abs(seen(EU, US) + 30)).toBeLessThan(0.6);
    expect(Math.abs(seen(US, AP) + 30)).toBeLessThan(0.6);
  });

  test("that agrees with ours is told to be so", async () => {
    const fleet = new Fleet("no skew");
    await fleet.run(5_000);
    expect(Math.abs(must(peerOf(fleet, US, EU).clockSkewMs, "a skew"))).toBeLessThan(100);
  });

  test("is not told of a peer that is not there", async () => {
    const fleet = new Fleet("gone", { skewsMs: { [EU]: 30_000 } });
    await fleet.run(5_000);
    fleet.crash(EU);
    await fleet.run(30_000);
    expect(peerOf(fleet, US, EU).clockSkewMs).toBeNull();
  });
});

test("the last comparison with a peer is told by its age", async () => {
  const fleet = new Fleet("compared");
  await fleet.until("compared", () => peerOf(fleet, US, EU).root === "equal");
  const first = must(peerOf(fleet, US, EU).comparedMs, "an age");
  await fleet.run(1_000);
  expect(must(peerOf(fleet, US, EU).comparedMs, "an age")).toBe(first + 1_000);
});

test("canaries' records are documents, and nobody's profiles", async () => {
  const fleet = new Fleet("canaries");
  const { counts } = fleet.driver(EU).status();
  expect([counts.documents, counts.profiles]).toEqual([0, 0]);
  const canary = profileOf(CANARY_TENANT, mustProfileId("us-east-1.1"));
  await fleet.write(US, canary, { kind: "put", value: { canary: "{}" } });
  await fleet.write(US, "ann", { kind: "put", value: { displayName: "Ann" } });
  await fleet.until("all have both", () => fleet.converged());
  for (const name of fleet.names) {
    await fleet.until("they are shown", () => fleet.driver(name).status().counts.profiles === 1);
    await fleet.write(name, canary, { kind: "put", value: { canary: `"${name}"` } });
    expect(fleet.driver(name).status().counts).toMatchObject({ documents: 2, profiles: 1 });
  }
});

test("conflicts are counted where they are seen first, and when a write settles them", async () => {
  const fleet = new Fleet("conflicts");
  await fleet.write(US, "ann", { kind: "put", value: { displayName: "Ann" } });
  await fleet.until("all have it", () => fleet.converged());
  await Promise.all([
    fleet.write(US, "ann", { kind: "merge-patch", patch: { displayName: "from us" } }),
    fleet.write(EU, "ann", { kind: "merge-patch", patch: { displayName: "from eu" } }),
  ]);
  await fleet.until("all have both", () => fleet.converged());
  await Promise.all(fleet.names.map((name) => fleet.json(name, "ann")));
  const counts = (name: string) => fleet.driver(name).status().counts;
  for (const name of fleet.names) expect(counts(name).conflictsFound).toBe(1);
  expect(counts(US).conflictsResolved).toBe(0);
  await fleet.write(US, "ann", { kind: "merge-patch", patch: { displayName: "settled" } });
  await fleet.until("all have it", () => fleet.converged());
  await Promise.all(fleet.names.map((name) => fleet.json(name, "ann")));
  for (const name of fleet.names) {
    expect(counts(name)).toMatchObject({ conflictsFound: 1, conflictsResolved: 1 });
  }
});
