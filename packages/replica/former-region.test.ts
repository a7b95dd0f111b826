// A region that has left: what it wrote is kept, passed on and proven like everything else, and nobody waits for it.
import { expect, test } from "vitest";
import { MemoryStore } from "@atoll/store";
import { Fleet } from "./fleet.fixture.ts";

const [US, EU, AP] = ["us-east-1", "eu-west-1", "ap-northeast-1"] as const;
const put = (name: string) => ({ kind: "put", value: { displayName: name } }) as const;

/** Europe has written, everybody has it, and the others were started again without it. */
async function withoutEurope(): Promise<Fleet> {
  const fleet = new Fleet("former");
  for (const name of fleet.names) await fleet.write(name, `of-${name}`, put(name));
  await fleet.until("converged", () => fleet.converged());
  for (const name of fleet.names) {
    await fleet.driver(name).close();
    fleet.forget(name);
  }
  const { regions } = fleet.cluster;
  const isEurope = ({ name }: { readonly name: string }): boolean => name === EU;
  const cluster = {
    ...fleet.cluster,
    regions: regions.filter((region) => !isEurope(region)),
    former: regions.filter(isEurope),
  };
  fleet.stores.set(AP, new MemoryStore()); // and Asia lost its disk as well
  for (const name of [US, AP]) fleet.start(name, { cluster });
  return fleet;
}

test("what a region wrote that has left is still taken in, by its name, and proven", async () => {
  const fleet = await withoutEurope();
  await fleet.until("converged", () => fleet.converged());
  expect(await fleet.json(AP, `of-${EU}`)).toBe('{"displayName":"eu-west-1"}');
  const { truth } = fleet.driver(AP);
  const asking = truth.holdings();
  await fleet.run(2_000); // until the other one is there, too
  const { held } = await asking;
  expect(Object.keys(held)).toContain(EU);
  const sums = [US, AP].map((name) => fleet.driver(name).truth.shards(held).root);
  expect(sums[0]).toEqual(sums[1]);
  expect(sums[0]?.changes).toBe(3);
  const { scrub, quarantine } = fleet.driver(AP);
  expect(scrub.verify()).toBe(true);
  await fleet.until("verified", () => scrub.report().state !== "running", 600_000);
  expect(scrub.report().faults.listed).toEqual([]);
  expect(quarantine.list(9).total).toBe(0);
});

test("nobody waits for it, and a write that all have is one that those have who stayed", async () => {
  const fleet = await withoutEurope();
  await fleet.until("converged", () => fleet.converged());
  expect(fleet.driver(US).peers()).toMatchObject([{ region: AP, state: "live" }]);
  const writing = fleet.write(US, "later", put("later"), {}, { durability: "all", waitMs: 5_000 });
  await fleet.run(1_000);
  expect(await writing).toMatchObject({ receipt: { met: true } });
});

test("started again by mistake it is refused by its name, and keeps what it takes to itself", async () => {
  const fleet = await withoutEurope();
  await fleet.until("converged", () => fleet.converged());
  fleet.start(EU);
  await fleet.run(30_000);
  const peers = fleet.driver(EU).peers();
  expect(peers.map(({ state }) => state)).not.toContain("live");
  expect(peers.map(({ lastFailure }) => lastFailure).join()).toContain("eu-west-1 has left");
  await fleet.write(EU, "stranded", put("stranded"));
  await fleet.run(5_000);
  expect(await fleet.json(US, "stranded")).toBeUndefined();
});
