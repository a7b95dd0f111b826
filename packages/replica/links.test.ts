// A fleet whose regions run different releases, and one whose network fails in one direction only.
import { afterEach, describe, expect, test } from "vitest";
import { limits, must } from "@atoll/core";
import { PROTOCOL_VERSION } from "@atoll/sync";
import { Fleet } from "./fleet.fixture.ts";

let fleet: Fleet;
afterEach(() => fleet.close());

function stateOf(name: string, region: string): string {
  const { peers } = fleet.driver(name).status();
  return must(
    peers.find((peer) => peer.region === region),
    region,
  ).state;
}

describe("regions of two releases", () => {
  test.each([
    { older: "us-east-1", version: 2 },
    { older: "eu-west-1", version: 2 },
    { older: "ap-northeast-1", version: 2 },
    { older: "eu-west-1", version: 1 },
  ])("converge when $older speaks version $version", async ({ older, version }) => {
    fleet = new Fleet(`older ${older}`, { protocols: { [older]: { min: 1, max: version } } });
    await fleet.until("linked", () => fleet.converged());
    for (const name of fleet.names) {
      for (let i = 0; i < 10; i++) {
        const patch = { [`${name} ${i}`]: i };
        await fleet.write(name, `p${i % 3}`, { kind: "merge-patch", patch });
      }
    }
    await fleet.until("converged", () => fleet.converged());
    fleet.crash(older);
    await fleet.write("us-east-1" === older ? "eu-west-1" : "us-east-1", "p0", {
      kind: "merge-patch",
      patch: { later: true },
    });
    fleet.start(older);
    await fleet.until("caught up", () => fleet.converged());
    for (const name of fleet.names) expect(await fleet.json(name, "p0")).toContain("later");
    const versions = fleet.log.lines
      .filter(({ event }) => event === "link-live")
      .map(({ fields }) => fields["version"]);
    expect(new Set(versions)).toEqual(new Set([version, PROTOCOL_VERSION]));
    // A restart may overtake the end of the old link, and is refused once for it; nothing else is.
    const refusals = fleet.log.lines.filter(({ event }) => event === "link-refused");
    for (const { fields } of refusals) expect(fields["code"]).toBe("identity");
  });

  test("that have no version in common stay apart and say why", async () => {
    fleet = new Fleet("apart", { protocols: { "ap-northeast-1": { min: 7, max: 7 } } });
    await fleet.run(5000);
    expect(stateOf("us-east-1", "eu-west-1")).toBe("live");
    const failures = fleet
      .driver("ap-northeast-1")
      .status()
      .peers.map((peer) => peer.lastFailure);
    for (const failure of failures) expect(failure).toMatch(/protocol \S+ offered, \S+ spoken/);
  });
});

describe("a network that fails in one direction", () => {
  test.each([
    ["us-east-1", "eu-west-1"],
    ["eu-west-1", "us-east-1"],
  ])("from %s to %s is noticed by both in two intervals, and heals", async (from, to) => {
    fleet = new Fleet("one way");
    await fleet.until("linked", () => fleet.converged());
    fleet.network.cutOneWay(from, to);
    const cutMs = fleet.clock.nowMs();
    const isLinked = () => stateOf(from, to) === "live" || stateOf(to, from) === "live";
    await fleet.until("noticed", () => !isLinked(), 5000);
    const delayMs = 2 * 40 + 20; // there, back, and the step of the test
    expect(fleet.clock.nowMs() - cutMs).toBeLessThanOrEqual(
      limits.LINK_SILENCE_MS_MAX + 2 * limits.TICK_MS + delayMs,
    );
    for (const name of [from, to]) {
      await fleet.write(name, name, { kind: "put", value: { role: "alone" } });
    }
    await fleet.run(20_000); // many redials
    for (const name of [from, to]) {
      const third = 1;
      const dialling = stateOf(name, name === from ? to : from) === "connecting" ? 1 : 0;
      const { linkCount } = must(fleet.network.listener(name), name);
      expect(linkCount).toBeLessThanOrEqual(third + dialling);
    }
    // What the two cannot tell each other has gone through the third all the while.
    expect(await fleet.json(to, from)).toBe('{"role":"alone"}');
    fleet.network.heal(from, to);
    await fleet.until("linked again", () => fleet.converged());
    for (const name of fleet.names) {
      expect(await fleet.json(name, from)).toBe('{"role":"alone"}');
      expect(await fleet.json(name, to)).toBe('{"role":"alone"}');
    }
  });
});
