// When a region may be stopped for good: not before the others hold what it took while it was asked.
import { describe, expect, test } from "vitest";
import { must, systemClock } from "@atoll/core";
import type { SignedStatement } from "@atoll/server";
import { parseRegionStatus } from "@atoll/server";
import type { RegionReport } from "./cluster-health.ts";
import { judgeCluster, unaskedText } from "./cluster-health.ts";
import type { Asked } from "./convergence.ts";
import type { Leaving } from "./decommission.ts";
import { leftByHand, planLines, untilHeldElsewhere } from "./decommission.ts";

const LEAVING: Leaving = { region: "eu", code: 2, staying: ["us", "ap"] };
const REGIONS = ["us", "eu", "ap"];

/** Holds the same as all others at every cut. */
function asked(name: string): Asked {
  const held = { us: 10, eu: 10, ap: 10 };
  const signed = (cut: object) => ({
    statement: { cluster: "c", region: name, cut, changes: 1, root: "0f", shards: ["0f"] },
    signature: "",
  });
  return {
    name,
    truth: {
      holdings: () => Promise.resolve({ region: name, held, horizon: {}, shards: 1 }),
      statement: (cut) => Promise.resolve(signed(cut) as unknown as SignedStatement),
    },
  };
}

function report(region: string, held: Record<string, number>): RegionReport {
  const status = parseRegionStatus({
    ...{ region, version: "1", incarnation: 0, ready: true, root: "00", coverage: {}, held },
    counts: { documents: 0, changes: 0, pending: 0, quarantined: 0 },
    peers: REGIONS.filter((name) => name !== region).map((name) => {
      return { region: name, state: "live", behind: 0, ahead: 0, root: "equal" };
    }),
  });
  return { endpoint: `http://${region}`, status: must(status, "a status") };
}

function wait(looks: readonly (readonly RegionReport[])[], timeoutMs: number) {
  let at = 0;
  return untilHeldElsewhere(LEAVING, REGIONS.map(asked), {
    look: () => Promise.resolve(must(looks[Math.min(at++, looks.length - 1)], "a look")),
    clock: systemClock,
    timeoutMs,
  });
}

const whole = REGIONS.map((name) => report(name, { "1.0": 4, "2.0": 7 }));
const withLatecomer = [
  report("us", { "1.0": 4, "2.0": 7 }),
  report("eu", { "1.0": 4, "2.0": 8 }),
  report("ap", { "1.0": 4, "2.0": 8 }),
];

describe("a region may be stopped", () => {
  test("when the others hold all that it has", async () => {
    expect((await wait([whole], 0)).kind).toBe("converged");
  });

  test("not before they hold what it took after the cut, either", async () => {
    expect(await wait([withLatecomer], 0)).toEqual({
      kind: "waiting",
      lacking: ["us lacks 1 change that eu took meanwhile: clients still write there"],
    });
    expect((await wait([withLatecomer, whole], 60_000)).kind).toBe("converged");
  });

  test("whatever is still under way that others wrote", async () => {
    const [us, , ap] = whole;
    const ahead = report("eu", { "1.0": 9, "2.0": 7 });
    const looks = [must(us, "us"), ahead, must(ap, "ap")];
    expect((await wait([looks], 0)).kind).toBe("converged");
  });

  test("not while one of them does not answer", async () => {
    const silent = [...whole.slice(0, 2), { endpoint: "http://ap", name: "ap", status: undefined }];
    expect(await wait([silent], 0)).toMatchObject({ lacking: ["ap does not answer any more"] });
    const gone = whole.filter(({ status }) => status?.region !== "eu");
    expect(await wait([gone], 0)).toMatchObject({ lacking: ["eu does not answer any more"] });
  });
});

test("the plan names who has to hold it all, and the rest whose configuration changes", () => {
  expect(planLines(LEAVING, 60_000).join("\n")).toMatch(
    /drain it[^]*at most 60 s, until us, ap hold/,
  );
  const left = leftByHand(LEAVING).join("\n");
  expect(left).toContain("In the configuration of us, ap: move eu: 2 from cluster.regions to");
  expect(left.indexOf("SIGTERM")).toBeLessThan(left.indexOf("cluster.former"));
});

describe("a status that was asked of some regions only", () => {
  test("says of whom nothing is known, and how to ask them", () => {
    const reports = whole.slice(0, 1);
    const health = judgeCluster(reports);
    expect(health.unasked).toEqual(["ap", "eu"]);
    expect(unaskedText(reports, health)).toMatch(/^Asked us only.*ap, eu.*--endpoint/);
    expect(unaskedText(whole, judgeCluster(whole))).toBeUndefined();
  });

  test("does not call a region silent that was not asked", () => {
    const status = must(whole[0]?.status, "a status");
    const peers = status.peers.map((peer) => ({ ...peer, state: "down" }));
    const { links } = judgeCluster([{ endpoint: "http://us", status: { ...status, peers } }]);
    expect(links.map(({ cause }) => cause).join()).toContain("ap was not asked");
    expect(links.map(({ cause }) => cause).join()).not.toContain("out of reach");
  });
});
