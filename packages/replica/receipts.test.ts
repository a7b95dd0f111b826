import { beforeEach, describe, expect, test } from "vitest";
import type { Lane, Origin, RegionCode } from "@atoll/core";
import { ManualClock, limits } from "@atoll/core";
import { testCluster } from "./fleet.fixture.ts";
import type { Durability, LogPlace, Receipt } from "./receipts.ts";
import { Receipts } from "./receipts.ts";

const US = 1 as RegionCode;
const EU = 2 as RegionCode;
const AP = 3 as RegionCode;
const PLACE: LogPlace = { shard: 3, origin: 11 as Origin, seq: 5 };

let clock: ManualClock;
let receipts: Receipts;
/** Per region and origin: up to where it says that it holds every lane of that origin. */
let said: Map<RegionCode, Map<Origin, number>>;

beforeEach(() => {
  clock = new ManualClock();
  said = new Map();
  receipts = receiptsOf();
});

function receiptsOf(waitersMax?: number): Receipts {
  return new Receipts({
    cluster: testCluster(),
    region: US,
    clock,
    holders: ({ origin }: Lane, seq) =>
      [EU, AP].filter((region) => (said.get(region)?.get(origin) ?? 0) >= seq),
    ...(waitersMax !== undefined && { waitersMax }),
  });
}

function say(region: RegionCode, seq: number, origin = PLACE.origin): void {
  said.set(region, new Map([...(said.get(region) ?? []), [origin, seq]]));
  receipts.confirmed();
}

function ask(
  durability: Durability,
  options: {
    readonly waitMs?: number;
    readonly foundation?: readonly (LogPlace | undefined)[];
    readonly signal?: AbortSignal;
  } = {},
): Receipt | Promise<Receipt> {
  const { waitMs = 1000, foundation = [PLACE], signal } = options;
  const startedMs = clock.monotonicMs();
  return receipts.receiptFor(foundation, { durability, waitMs, startedMs, signal });
}

describe("a receipt", () => {
  test("of local is given at once, whoever else is there", () => {
    expect(ask("local")).toEqual({
      met: true,
      reached: "local",
      durableIn: ["us-east-1"],
      missingIn: ["eu-west-1", "ap-northeast-1"],
    });
  });

  test.each<[Durability, number]>([
    ["2", 1],
    ["majority", 1],
    ["all", 2],
  ])("of %s waits until %i other regions have said so", async (durability, needed) => {
    const waiting = ask(durability);
    expect(waiting).toBeInstanceOf(Promise);
    say(EU, 4); // not that far yet
    expect(receipts.waiting).toBe(1);
    say(EU, 5);
    expect(receipts.waiting).toBe(needed === 1 ? 0 : 1);
    say(AP, 9);
    expect(receipts.waiting).toBe(0);
    expect(await waiting).toMatchObject({ met: true, reached: durability });
  });

  test("names after its deadline what was reached, and by whom", async () => {
    const waiting = ask("all");
    say(AP, 5);
    clock.advance(999);
    expect(receipts.waiting).toBe(1);
    clock.advance(1);
    expect(await waiting).toEqual({
      met: false,
      reached: "majority",
      durableIn: ["us-east-1", "ap-northeast-1"],
      missingIn: ["eu-west-1"],
    });
  });

  test("counts its deadline from when the request came", () => {
    const startedMs = clock.monotonicMs() - 1000;
    const receipt = receipts.receiptFor([PLACE], { durability: "2", waitMs: 1000, startedMs });
    expect(receipt).toMatchObject({ met: false, reached: "local" });
  });

  test("waits no longer than anything may", () => {
    void ask("all", { waitMs: Number.MAX_SAFE_INTEGER });
    clock.advance(limits.SESSION_WAIT_MS_MAX);
    expect(receipts.waiting).toBe(0);
  });

  test("remembers who said so, also when its link has gone since", async () => {
    const waiting = ask("all");
    say(EU, 5);
    said.clear();
    say(AP, 5);
    expect(await waiting).toMatchObject({ met: true });
  });

  test("of content with several heads counts only who holds them all", () => {
    const other = { shard: 3, origin: 12 as Origin, seq: 2 };
    say(EU, 5);
    say(AP, 5);
    say(AP, 2, other.origin);
    expect(ask("all", { foundation: [PLACE, other], waitMs: 0 })).toMatchObject({
      durableIn: ["us-east-1", "ap-northeast-1"],
    });
  });

  test("of a change that has no place in our log is confirmed by nobody", () => {
    say(EU, 5);
    expect(ask("2", { foundation: [PLACE, undefined], waitMs: 0 })).toMatchObject({ met: false });
  });

  test("believes nobody about an origin of ours that has another past", async () => {
    const waiting = ask("2");
    receipts.doubt(PLACE.origin);
    say(EU, 9);
    clock.advance(1000);
    expect(await waiting).toMatchObject({ met: false, durableIn: ["us-east-1"] });
    expect(ask("2", { waitMs: 0 })).toMatchObject({ met: false });
  });
});

describe("waiting", () => {
  test("ends when nobody wants to know any more, with the reason", async () => {
    const departure = new AbortController();
    const waiting = ask("all", { signal: departure.signal });
    departure.abort(new Error("gone"));
    await expect(waiting).rejects.toThrow("gone");
    expect(receipts.waiting).toBe(0);
    await expect(ask("all", { signal: departure.signal })).rejects.toThrow("gone");
    expect(receipts.waiting).toBe(0);
  });

  test("ends for all when the region stops, and nobody begins any more", async () => {
    const waiting = ask("all");
    receipts.close();
    expect(await waiting).toMatchObject({ met: false });
    expect(ask("all")).toMatchObject({ met: false });
  });

  test("has room for so many, and local needs none", () => {
    receipts = receiptsOf(2);
    receipts.reserve("local");
    const giveBack = receipts.reserve("2");
    receipts.reserve("all");
    expect(() => receipts.reserve("2")).toThrow(expect.objectContaining({ code: "overloaded" }));
    receipts.reserve("local");
    giveBack();
    receipts.reserve("majority");
  });
});
