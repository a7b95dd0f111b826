// Peers that a registry names and takes away while regions run: links come and go with them.
import { expect, test } from "vitest";
import { must } from "@atoll/core";
import { Fleet } from "./fleet.fixture.ts";

const [US, EU, AP] = ["us-east-1", "eu-west-1", "ap-northeast-1"] as const;

function setPeers(fleet: Fleet, region: string, names: readonly string[]): void {
  const codes = fleet.cluster.regions.filter(({ name }) => names.includes(name));
  fleet.driver(region).setPeers(new Map(codes.map(({ code, name }) => [code, `memory://${name}`])));
}

function stateOf(fleet: Fleet, region: string, peer: string): string {
  const peers = fleet.driver(region).peers();
  return must(
    peers.find((each) => each.region === peer),
    peer,
  ).state;
}

test("a peer that is taken away is let go by whoever dialled, and stays away", async () => {
  const fleet = new Fleet("withdrawn");
  await fleet.until("linked", () => stateOf(fleet, US, EU) === "live");
  setPeers(fleet, US, [AP]);
  await fleet.run(1_000);
  expect(stateOf(fleet, US, EU)).not.toBe("live");
  // Europe still knows us, dials, and is refused.
  await fleet.run(60_000);
  expect(stateOf(fleet, US, EU)).not.toBe("live");
  expect(stateOf(fleet, EU, US)).not.toBe("live");
  expect(stateOf(fleet, US, AP)).toBe("live");
  expect(stateOf(fleet, EU, AP)).toBe("live");
});

test("a peer that is named again is dialled at once", async () => {
  const fleet = new Fleet("again");
  await fleet.until("linked", () => stateOf(fleet, US, EU) === "live");
  setPeers(fleet, US, [AP]);
  await fleet.run(20_000);
  setPeers(fleet, US, [EU, AP]);
  await fleet.until("linked again", () => stateOf(fleet, US, EU) === "live", 10_000);
  await fleet.write(EU, "ann", { kind: "put", value: { displayName: "Ann" } });
  await fleet.until("equal", () => fleet.converged());
});

test("naming the same peers again disturbs no link", async () => {
  const fleet = new Fleet("same");
  await fleet.until("linked", () => stateOf(fleet, US, EU) === "live");
  const ups = fleet.log.lines.filter(({ event }) => event === "link-live").length;
  setPeers(fleet, US, [EU, AP]);
  await fleet.run(5_000);
  expect(fleet.log.lines.filter(({ event }) => event === "link-live")).toHaveLength(ups);
});
