import { describe, expect, test } from "vitest";
import fc from "fast-check";
import { ByteReader, ByteStreamError, ByteWriter } from "./byte-stream.ts";
import { ManualClock } from "./clock.ts";
import { HybridClock, hlcFromMs, hlcToMs } from "./hlc.ts";
import type { Hlc } from "./hlc.ts";
import {
  docIdOf,
  docIdOfKey,
  docKeyOf,
  newOrigin,
  newProfileId,
  originIncarnation,
  originRegion,
  originText,
  parseOrigin,
  parseKeptProfileId,
  parseProfileId,
  profileOf,
  splitProfileId,
  toHex,
} from "./ids.ts";
import type { ProfileId, RegionCode, Tenant } from "./ids.ts";
import { CLOCK_PULL_MS_MAX } from "./limits.ts";
import { SeededRandom } from "./random.ts";
import { joinVectors, missingRegions, readVector, writeVector } from "./region-vector.ts";

describe("byte stream", () => {
  test("what was written is what is read", () => {
    fc.assert(
      fc.property(
        fc.array(fc.maxSafeNat()),
        fc.uint8Array({ maxLength: 300 }),
        fc.string(),
        (numbers, bytes, text) => {
          const writer = new ByteWriter(1);
          for (const number of numbers) writer.varint(number);
          writer
            .bytes(bytes)
            .text(text)
            .u64(2n ** 64n - 1n)
            .u32(7);
          const reader = new ByteReader(writer.finish());
          for (const number of numbers) expect(reader.varint()).toBe(number);
          expect(new Uint8Array(reader.bytes(300))).toEqual(new Uint8Array(bytes));
          expect(reader.text(10_000)).toBe(Buffer.from(text, "utf8").toString("utf8"));
          expect(reader.u64()).toBe(2n ** 64n - 1n);
          expect(reader.u32()).toBe(7);
          reader.end();
        },
      ),
    );
  });

  test("a length that is not there is refused before anything is allocated", () => {
    const lying = new ByteWriter().varint(2 ** 40).finish();
    expect(() => new ByteReader(lying).bytes(2 ** 50)).toThrow(ByteStreamError);
    expect(() => new ByteReader(lying).count(1000)).toThrow(ByteStreamError);
  });

  test.each([
    ["two spellings of one number", [0x80, 0x00]],
    ["a number beyond 2^53", [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]],
    ["a number that does not end", [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01]],
  ])("%s is not a varint", (_name, bytes) => {
    expect(() => new ByteReader(Uint8Array.from(bytes)).varint()).toThrow(ByteStreamError);
  });
});

describe("hybrid clock", () => {
  const startMs = Date.UTC(2026, 0, 1);

  test("timestamps increase although the wall clock goes back", () => {
    const clock = new HybridClock();
    let last = clock.tick(startMs);
    for (const ms of [startMs, startMs - 10_000, startMs + 1, startMs - 1]) {
      const next = clock.tick(ms);
      expect(next).toBeGreaterThan(last);
      last = next;
    }
  });

  test("a full counter borrows the next millisecond", () => {
    const clock = new HybridClock();
    for (let i = 0; i < 3000; i++) clock.tick(startMs);
    expect(hlcToMs(clock.last)).toBe(startMs + 2);
  });

  test("what is written after learning of a timestamp sorts after it", () => {
    const clock = new HybridClock();
    const remote = (hlcFromMs(startMs + 100) + 5) as Hlc;
    clock.observe(remote, startMs);
    expect(clock.tick(startMs)).toBeGreaterThan(remote);
  });

  test("a peer with a broken clock pulls ours no further than the bound", () => {
    const clock = new HybridClock();
    clock.observe(hlcFromMs(startMs + 3_600_000), startMs);
    expect(hlcToMs(clock.tick(startMs))).toBeLessThanOrEqual(startMs + CLOCK_PULL_MS_MAX);
  });
});

describe("ids", () => {
  test.each(["a", "B000944", "0198-x", "u:1~2.3_4", "a".repeat(128)])(
    "%s is a profile id",
    (id) => {
      expect(parseProfileId(id)).toBe(id);
    },
  );

  test.each(["", "-a", "a b", "ä", "a/b", "a".repeat(129), "a\n", "~x"])("%j is none", (id) => {
    expect(parseProfileId(id)).toBeUndefined();
  });

  test("a document id is a UUIDv8 that depends on tenant and id", () => {
    const id = "x" as ProfileId;
    const docId = docIdOf(id);
    expect(toHex(docId)).toMatch(/^[0-9a-f]{12}8[0-9a-f]{3}[89ab][0-9a-f]{15}$/);
    expect(docIdOf(profileOf("other" as Tenant, id))).not.toEqual(docId);
    expect(docIdOf(id)).toEqual(docId);
    expect(docIdOfKey(docKeyOf(docId))).toEqual(docId);
  });

  test("a profile of another tenant has its tenant in front, and is told apart again", () => {
    const [id, acme] = ["x" as ProfileId, "acme" as Tenant];
    const kept = profileOf(acme, id);
    expect(kept).toBe("acme/x");
    expect(splitProfileId(kept)).toEqual({ tenant: "acme", id: "x" });
    expect(splitProfileId(id)).toEqual({ tenant: "default", id: "x" });
    expect(parseKeptProfileId(kept)).toBe(kept);
    for (const bad of ["default/x", "/x", "acme/", "acme/x/y", "Acme/x", "acme/-x"]) {
      expect(parseKeptProfileId(bad)).toBeUndefined();
    }
  });

  test("a made id is a UUIDv7 of the moment", () => {
    const id = newProfileId(0x0198_1234_5678, new SeededRandom(1));
    expect(id).toMatch(/^01981234-5678-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  test("an origin tells its region and incarnation, and a clone's differs", () => {
    const region = 63 as RegionCode;
    const origin = newOrigin(region, 12, new SeededRandom(1));
    expect(originRegion(origin)).toBe(63);
    expect(originIncarnation(origin)).toBe(12);
    expect(originText(origin)).toMatch(/^63\.12\.[0-9a-f]{8}$/);
    expect(parseOrigin(origin)).toBe(origin);
    expect(parseOrigin(5)).toBeUndefined();
    expect(newOrigin(region, 12, new SeededRandom(2))).not.toBe(origin);
  });
});

describe("region vectors", () => {
  const vectors = fc
    .uniqueArray(
      fc.tuple(fc.integer({ min: 1, max: 63 }), fc.integer({ min: 0, max: 2 ** 52 - 1 })),
      {
        selector: ([region]) => region,
        maxLength: 16,
      },
    )
    .map((pairs) => new Map(pairs as [RegionCode, Hlc][]));

  test("the join is the least vector that covers both", () => {
    fc.assert(
      fc.property(vectors, vectors, (a, b) => {
        const joined = joinVectors(a, b);
        expect(missingRegions(joined, a)).toEqual([]);
        expect(missingRegions(joined, b)).toEqual([]);
        for (const [region, hlc] of joined) {
          expect(hlc).toBe(Math.max(a.get(region) ?? 0, b.get(region) ?? 0));
        }
      }),
    );
  });

  test("a vector is the same after it was written and read", () => {
    fc.assert(
      fc.property(vectors, (vector) => {
        const writer = new ByteWriter();
        writeVector(writer, vector);
        const sorted = [...vector].sort(([a], [b]) => a - b);
        expect([...readVector(new ByteReader(writer.finish()))]).toEqual(sorted);
      }),
    );
  });
});

describe("the doors", () => {
  test("one seed gives one history, and forks do not disturb each other", () => {
    const a = new SeededRandom("seed");
    const b = new SeededRandom("seed");
    b.fork("other").u32();
    expect([a.u32(), a.u32(), a.below(10)]).toEqual([b.u32(), b.u32(), b.below(10)]);
    expect(new SeededRandom("seed").fork("x").u32()).not.toBe(
      new SeededRandom("seed").fork("y").u32(),
    );
  });

  test("timers fire in order of time, then of setting, including those set on the way", () => {
    const clock = new ManualClock(0);
    const fired: string[] = [];
    clock.after(20, () => fired.push("late"));
    clock.after(10, () => {
      fired.push("first");
      clock.after(5, () => fired.push("nested"));
    });
    clock.after(10, () => fired.push("second"));
    clock.after(10, () => fired.push("cancelled")).cancel();
    clock.advance(30);
    expect(fired).toEqual(["first", "second", "nested", "late"]);
    expect(clock.nowMs()).toBe(30);
  });
});
