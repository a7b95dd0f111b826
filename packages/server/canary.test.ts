/** The canary says nothing while guarantees hold, and names the one that does not. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { MetricLabels, Meter, ProfileId, RegionName, Tenant } from "@atoll/core";
import { DEFAULT_TENANT, ManualClock, MemoryLog, limits, parseClientTenant } from "@atoll/core";
import type { ProfileService, WriteAnswer } from "@atoll/gateway";
import { parseProfileSchema } from "@atoll/profile";
import type { CanaryPeer } from "./canary.ts";
import { Canary } from "./canary.ts";
import { canaryProfiles } from "./canary-record.ts";
import { RestRegion } from "./rest-region.fixture.ts";

const NAMES = ["eu-west-1", "us-east-1"] as readonly string[] as readonly RegionName[];

/** What was counted, by name and labels. */
class CountingMeter implements Meter {
  readonly counts = new Map<string, number>();

  handle(name: string, labels: MetricLabels = {}) {
    const key = [name, ...Object.values(labels)].join(" ");
    return (value: number): void => {
      this.counts.set(key, (this.counts.get(key) ?? 0) + value);
    };
  }

  violations(): string[] {
    return ["G2", "G5", "G6"].filter((each) => this.counts.get(`canary_violations_total ${each}`));
  }
}

/** Two copies of a few texts that are made equal when told, and whatever a test does to them. */
class TwoRegions {
  readonly clock = new ManualClock();
  readonly copies = NAMES.map(() => new Map<ProfileId, string>());
  readonly meters = NAMES.map(() => new CountingMeter());
  readonly log = new MemoryLog();
  isLive = true;
  isDiverged = false;
  /** What reads show, where it is not what is there. */
  reads: ((json: string | undefined) => string | undefined) | undefined;
  readonly #canaries = NAMES.map((region, i) => {
    return new Canary({
      region,
      service: this.#service(i),
      peers: () => this.#peersOf(region),
      clock: this.clock,
      log: this.log,
      meter: this.meters[i] ?? new CountingMeter(),
    });
  });

  /** Both beat; then what they wrote travels, if they are linked. */
  async beat(times = 1): Promise<void> {
    for (let i = 0; i < times; i++) {
      for (const canary of this.#canaries) await canary.beat();
      this.clock.advance(limits.CANARY_PERIOD_MS);
      if (this.isLive) this.replicate();
    }
  }

  replicate(): void {
    const [a, b] = this.copies;
    NAMES.forEach((region, i) => {
      for (const id of canaryProfiles(region, this.clock.nowMs())) {
        const json = this.copies[i]?.get(id);
        if (json !== undefined) for (const copy of [a, b]) copy?.set(id, json);
      }
    });
  }

  get violations(): string[] {
    return this.meters.flatMap((meter) => meter.violations());
  }

  #peersOf(region: RegionName): CanaryPeer[] {
    const { isLive, isDiverged } = this;
    return NAMES.filter((name) => name !== region).map((name) => {
      return { region: name, isLive, isDiverged };
    });
  }

  #service(i: number): Pick<ProfileService, "read" | "write" | "joinSessions"> {
    const base = { sessionToken: "token", stale: false };
    const show = (id: ProfileId) => {
      const json = this.copies[i]?.get(id);
      const shown = this.reads === undefined ? json : this.reads(json);
      return shown === undefined ? undefined : snapshotOf(id, shown);
    };
    return {
      joinSessions: () => "token",
      read(id) {
        const profile = show(id);
        return profile === undefined
          ? { ...base, kind: "absent" }
          : { ...base, kind: "found", profile };
      },
      write: (id, edit): Promise<WriteAnswer> => {
        if (edit.kind !== "put") throw new Error("a canary puts");
        const json = JSON.stringify(edit.value);
        this.copies[i]?.set(id, json);
        const profile = snapshotOf(id, json);
        return Promise.resolve({
          ...base,
          kind: "written",
          created: false,
          changed: true,
          profile,
        });
      },
    };
  }
}

function snapshotOf(id: ProfileId, json: string) {
  return { id, json, etag: "", heads: [], createdAtMs: 0, updatedAtMs: 0, hasConflicts: false };
}

let regions: TwoRegions;
beforeEach(() => {
  regions = new TwoRegions();
});

test("finds nothing where all is well, through cuts and from one profile to the next", async () => {
  await regions.beat(10);
  regions.isLive = false;
  await regions.beat(10);
  regions.isLive = true;
  await regions.beat(limits.CANARY_WINDOW_MS / limits.CANARY_PERIOD_MS);
  expect(regions.violations).toEqual([]);
  expect(regions.log.lines.filter(({ level }) => level === "error")).toEqual([]);
  expect(regions.meters[0]?.counts.get("canary_beats_total local")).toBeGreaterThan(20);
  expect(regions.copies[0]?.size).toBeLessThanOrEqual(6); // a profile of each region in each window
});

describe("names", () => {
  test("G2 when what was acknowledged is gone", async () => {
    await regions.beat(2);
    regions.copies[0]?.clear();
    await regions.beat();
    expect(regions.meters[0]?.violations()).toContain("G2");
  });

  test("G2 when another region has read of ours what is not here", async () => {
    await regions.beat(3);
    regions.isLive = false; // nothing more of ours leaves, and theirs says that it saw more
    const [id] = canaryProfiles("us-east-1" as RegionName, regions.clock.nowMs());
    const ahead = Number.MAX_SAFE_INTEGER;
    for (let i = 0; i < 6; i++) {
      const beat = regions.clock.nowMs() + 1;
      const canary = JSON.stringify({ beat, seen: { "eu-west-1": ahead } });
      regions.copies[0]?.set(id, JSON.stringify({ canary }));
      await regions.beat();
    }
    expect(regions.meters[0]?.violations()).toEqual(["G2"]);
  });

  test("G5 when a session does not read what it wrote", async () => {
    await regions.beat();
    const stale = regions.copies[0]?.values().next().value;
    regions.reads = () => stale;
    await regions.beat();
    expect(regions.meters[0]?.violations()).toContain("G5");
  });

  test("G5 when what was read of another region goes back", async () => {
    await regions.beat(2);
    const [id] = canaryProfiles("us-east-1" as RegionName, regions.clock.nowMs());
    const before = regions.copies[0]?.get(id) ?? "";
    await regions.beat(2);
    regions.isLive = false;
    regions.copies[0]?.set(id, before);
    await regions.beat();
    expect(regions.meters[0]?.violations()).toEqual(["G5"]);
  });

  test("G6 when a live region writes on and never reads ours", async () => {
    regions.replicate = () => {
      const [id] = canaryProfiles("us-east-1" as RegionName, regions.clock.nowMs());
      const json = regions.copies[1]?.get(id);
      if (json !== undefined) regions.copies[0]?.set(id, json); // one direction alone
    };
    await regions.beat(8);
    expect(regions.meters[0]?.violations()).toEqual(["G6"]);
    expect(regions.meters[1]?.violations()).toEqual([]);
  });

  test("G6 when roots differ and nothing is missing, beat after beat", async () => {
    regions.isDiverged = true;
    await regions.beat(3);
    expect(regions.violations).toEqual([]);
    await regions.beat();
    expect(regions.violations).toEqual(["G6", "G6"]);
  });
});

test("a region that refuses breaks no promise", async () => {
  regions.reads = () => {
    throw new Error("storage-full");
  };
  await regions.beat(3);
  expect(regions.violations).toEqual([]);
  expect(regions.meters[0]?.counts.get("canary_beats_total refused")).toBe(3);
});

describe("in a real region", () => {
  const schema = parseProfileSchema({
    type: "object",
    required: ["displayName"],
    properties: { displayName: { type: "string" } },
    additionalProperties: false,
  });
  const region = new RestRegion({ schema });
  afterEach(() => region.close());

  test("it beats whatever the schema asks of profiles, and nobody sees it", async () => {
    await region.open();
    const meter = new CountingMeter();
    const { service } = region.driver;
    const clock = new ManualClock();
    const name = "us-east-1" as RegionName;
    const log = new MemoryLog();
    const canary = new Canary({ region: name, service, peers: () => [], clock, log, meter });
    await region.put("ada", { displayName: "Ada" });
    for (let i = 0; i < 3; i++) {
      await canary.beat();
      clock.advance(limits.CANARY_PERIOD_MS);
    }
    expect([meter.counts.get("canary_beats_total local"), meter.violations()]).toEqual([3, []]);
    const list = await region.call("GET", "/v1/profiles");
    const feed = await region.call("GET", "/v1/changes");
    for (const { json } of [list, feed]) {
      const { items, events } = json as { items?: { id: string }[]; events?: { id: string }[] };
      expect((items ?? events ?? []).map(({ id }) => id)).toEqual(["ada"]);
    }
    const [id] = canaryProfiles(name, clock.nowMs());
    const path = `/v1/profiles/${encodeURIComponent(id)}`;
    expect((await region.call("GET", path)).status).toBe(400);
    expect(service.schema.faultyViews).toBe(0);
  });
});

test("its tenant is nobody's", () => {
  expect(parseClientTenant("atoll-canary")).toBeUndefined();
  expect(parseClientTenant("acme")).toBe("acme" as Tenant);
  expect(parseClientTenant(DEFAULT_TENANT)).toBe(DEFAULT_TENANT);
});
