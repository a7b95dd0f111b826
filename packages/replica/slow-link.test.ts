// Links that are slower than what there is to say: fresh entries and heartbeats stay prompt, memory stays
// bounded, and everything arrives.
import { afterEach, describe, expect, test } from "vitest";
import { SeededRandom, limits, must } from "@atoll/core";
import { Fleet } from "./fleet.fixture.ts";

const [HERE, THERE, ASIDE] = ["us-east-1", "eu-west-1", "ap-northeast-1"];
const random = new SeededRandom("slow link");
let fleet: Fleet;
afterEach(() => fleet.close());

/** 48 KiB that do not compress. */
function large(): { readonly about: string } {
  return { about: Buffer.from(random.bytes(36 * 1024)).toString("base64") };
}

/** Two regions that only have each other: what one tells the other passes their link. */
async function pair(seed: string, delayMs: { min: number; max: number }): Promise<void> {
  fleet = new Fleet(seed, { delayMs });
  await fleet.run(500);
  fleet.crash(ASIDE);
  await fleet.run(500);
}

const changesAt = (name: string) => fleet.driver(name).status().counts.changes;
const backlogBytes = () => must(fleet.network.listener(HERE), HERE).backlogBytesMax();
const linksLost = () => fleet.log.lines.filter(({ event }) => event === "link-lost").length;

describe("a link of 2 MB/s over which 20 MB of catch-up flow", () => {
  test("delays no fresh entry and no heartbeat by more than one slice", async () => {
    await pair("catch-up", { min: 20, max: 40 });
    fleet.driver(THERE).setPeerState(HERE, "paused");
    await fleet.run(200);
    for (let i = 0; i < 430; i++) {
      await fleet.write(HERE, `old${i}`, { kind: "put", value: large() });
    }
    fleet.network.throttle(HERE, THERE, 2_000_000);
    fleet.driver(THERE).setPeerState(HERE, "active");
    await fleet.run(1_000);
    const lost = linksLost();
    const waitsMs: number[] = [];
    const rttsMs: number[] = [];
    let backlogMax = 0;
    for (let i = 0; changesAt(THERE) < 400; i++) {
      const id = `fresh${i}`;
      await fleet.write(HERE, id, { kind: "put", value: { role: "poet" } });
      let waitMs = 0;
      for (; (await fleet.json(THERE, id)) === undefined; waitMs += 5) await fleet.run(5);
      waitsMs.push(waitMs);
      rttsMs.push(fleet.driver(THERE).status().peers[0]?.rttMs ?? 0);
      backlogMax = Math.max(backlogMax, backlogBytes());
      await fleet.run(200);
    }
    expect(waitsMs.length).toBeGreaterThan(20);
    // 40 ms of delay, a slice of 64 KiB and what was let into the link before it, at 2 kB/ms
    expect(Math.max(...waitsMs)).toBeLessThanOrEqual(40 + 33 + 33 + 2 * limits.PUSH_DELAY_MS_MAX);
    expect(Math.max(...rttsMs)).toBeLessThan(250);
    expect(backlogMax).toBeLessThan(3 * limits.BATCH_BYTES_MAX);
    expect(linksLost()).toBe(lost);
    fleet.start(ASIDE);
    await fleet.until("converged", () => fleet.converged());
  });
});

describe("a link that carries a tenth of what is written", () => {
  test("costs bounded memory, is not lost, and is caught up with afterwards", async () => {
    await pair("slow", { min: 1, max: 20 });
    fleet.network.throttle(HERE, THERE, 100_000);
    const lost = linksLost();
    let backlogMax = 0;
    for (let i = 0; i < 250; i++) {
      await fleet.write(HERE, `p${i}`, { kind: "put", value: large() });
      await fleet.run(50);
      backlogMax = Math.max(backlogMax, backlogBytes());
    }
    expect(changesAt(HERE)).toBe(250);
    expect(changesAt(THERE)).toBeLessThan(60);
    // 12 MB were written: some wait in the link, the rest in the log
    expect(backlogMax).toBeGreaterThan(limits.LINK_BACKLOG_BYTES_MAX / 2);
    expect(backlogMax).toBeLessThan(limits.LINK_BACKLOG_BYTES_MAX + 2 * limits.BATCH_BYTES_MAX);
    expect(linksLost()).toBe(lost);
    fleet.network.throttle(HERE, THERE, 10_000_000);
    fleet.start(ASIDE);
    await fleet.until("converged", () => fleet.converged(), 120_000);
  });
});
