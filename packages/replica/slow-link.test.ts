// A link that is slower than what there is to say: memory stays bounded, and everything arrives. How fresh
// entries pass a long catch-up is tested in sync, without documents.
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

describe("a link that carries a tenth of what is written", () => {
  test("costs bounded memory, is not lost, and is caught up with afterwards", async () => {
    await pair("slow", { min: 1, max: 20 });
    fleet.network.throttle(HERE, THERE, 100_000);
    const lost = linksLost();
    let backlogMax = 0;
    for (let i = 0; i < 120; i++) {
      await fleet.write(HERE, `p${i}`, { kind: "put", value: large() });
      await fleet.run(20);
      backlogMax = Math.max(backlogMax, backlogBytes());
    }
    expect(changesAt(HERE)).toBe(120);
    expect(changesAt(THERE)).toBeLessThan(60);
    // 6 MB were written: some wait in the link, the rest in the log
    expect(backlogMax).toBeGreaterThan(limits.LINK_BACKLOG_BYTES_MAX / 2);
    expect(backlogMax).toBeLessThan(limits.LINK_BACKLOG_BYTES_MAX + 2 * limits.BATCH_BYTES_MAX);
    expect(linksLost()).toBe(lost);
    await fleet.write(HERE, "last", { kind: "put", value: { role: "poet" } });
    fleet.network.throttle(HERE, THERE, 10_000_000);
    fleet.start(ASIDE);
    await fleet.until("converged", () => fleet.converged(), 120_000);
  });
});
