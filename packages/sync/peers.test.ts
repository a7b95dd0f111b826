import { describe, expect, test } from "vitest";
import { LaneFrontier, SeededRandom, limits } from "@atoll/core";
import { decodeFrame, encodeMessage } from "./codec.ts";
import type { Message } from "./messages.ts";
import { Pair } from "./pair.fixture.ts";
import { Redial } from "./redial.ts";

const NEW = { min: 1, max: 2 };

function messageOf(frame: Uint8Array): Message | undefined {
  const decoded = decodeFrame(frame);
  return decoded.kind === "message" ? decoded.message : undefined;
}

function linked(versions: ConstructorParameters<typeof Pair>[0] = {}): Pair {
  const pair = new Pair(versions);
  pair.run(1000);
  expect([pair.isLive("a"), pair.isLive("b")]).toEqual([true, true]);
  return pair;
}

describe("two releases", () => {
  test.each([
    ["of the same range speak its highest", NEW, NEW, 2],
    ["of which one is a version behind speak the older one's", NEW, { min: 1, max: 1 }, 1],
    ["of which one is three versions ahead speak the other's", NEW, { min: 2, max: 5 }, 2],
  ])("%s", (_what, a, b, spoken) => {
    const pair = new Pair({ a, b });
    const versions = new Set<number | undefined>();
    pair.onTheWay = (_from, frame) => {
      if (messageOf(frame)?.kind !== "hello") versions.add(frame[0]);
      return frame;
    };
    pair.run(5000);
    expect([pair.isLive("a"), pair.isLive("b")]).toEqual([true, true]);
    expect([...versions]).toEqual([spoken]);
    expect(pair.events("a", "link-live")).toEqual([{ region: "eu-west-1", version: spoken }]);
  });

  test("without a version in common refuse each other and say which they speak", () => {
    const pair = new Pair({ a: NEW, b: { min: 3, max: 3 } });
    pair.run(5000);
    expect([pair.isLive("a"), pair.isLive("b")]).toEqual([false, false]);
    const details = ["protocol 3-3 offered, 1-2 spoken", "protocol 1-2 offered, 3-3 spoken"];
    expect(pair.a.sync.status()[0]?.lastFailure).toMatch(new RegExp(details.join("|")));
    // Told once, not at every redial.
    expect(pair.a.dials).toBeGreaterThan(3);
    const told = [...pair.events("a", "link-refused"), ...pair.events("a", "link-refused-by-peer")];
    expect(told).toHaveLength(1);
    expect(details).toContain(told[0]?.["detail"]);
  });

  test("end a link that speaks another version than was agreed", () => {
    const pair = linked();
    pair.onTheWay = (_from, frame) => Uint8Array.of(1, ...frame.subarray(1));
    pair.run(1100);
    expect(pair.events("b", "link-refused")[0]).toMatchObject({
      code: "malformed",
      detail: "version 1 was not agreed",
    });
  });

  test("read a HELLO with fields that they do not know", () => {
    const pair = new Pair();
    const later = Uint8Array.of(1, 2, 3);
    pair.onTheWay = (from, frame) => {
      if (from !== "b" || messageOf(frame)?.kind !== "hello") return frame;
      return Uint8Array.of(...frame, ...later);
    };
    pair.run(200);
    // Read, and then not believed: b did not say it.
    expect(pair.events("a", "link-refused")[0]).toMatchObject({ code: "proof" });
    const need = encodeMessage({ kind: "served", id: 1 }, 2);
    expect(decodeFrame(Uint8Array.of(...need, ...later)).kind).toBe("fault");
  });
});

describe("a proof", () => {
  test.each<[string, (message: Message) => Message]>([
    [
      "what was seen of the other",
      (message) =>
        message.kind === "proof" ? { ...message, seen: [{ shard: 1, seq: 9 }] } : message,
    ],
    [
      "whether it is welcome",
      (message) => (message.kind === "proof" ? { ...message, welcome: false } : message),
    ],
    [
      "the versions",
      (message) => (message.kind === "hello" ? { ...message, versionMax: 1 } : message),
    ],
    [
      "the instance",
      (message) =>
        message.kind === "hello" ? { ...message, instance: new Uint8Array(16) } : message,
    ],
  ])("does not hold when somebody in between alters %s", (_what, alter) => {
    const pair = new Pair();
    pair.onTheWay = (from, frame) => {
      const message = messageOf(frame);
      const isMeant = from === "b" || message?.kind === "hello"; // else the versions would not match
      return isMeant && message ? encodeMessage(alter(message), frame[0] ?? 0) : frame;
    };
    pair.run(100);
    expect(pair.isLive("a")).toBe(false);
    const refusal = { code: "proof", detail: "wrong cluster secret" };
    expect(pair.events("a", "link-refused")[0]).toMatchObject(refusal);
    expect(pair.a.effects.map(({ kind }) => kind)).not.toContain("rolled-back");
    expect(pair.a.sync.twin).toBeUndefined();
  });

  test("fits no other link: what was overheard on one opens no second", () => {
    const pair = new Pair();
    const overheard: Uint8Array[] = [];
    pair.onTheWay = (from, frame) => {
      if (from === "b") overheard.push(frame);
      return frame;
    };
    pair.run(100);
    expect(pair.isLive("a")).toBe(true);
    pair.onTheWay = (from, frame) => (from === "b" ? overheard.shift() : frame);
    pair.step("a", { kind: "reset", reason: "test" });
    pair.run(1000);
    const refusal = { code: "proof", detail: "wrong cluster secret" };
    expect(pair.events("a", "link-refused")[0]).toMatchObject(refusal);
  });

  test("that tells of more than there is ends the link before it is live, and it is dialled at once", () => {
    const pair = new Pair();
    const lane = { shard: 3, origin: pair.a.origin };
    pair.a.frontier.set(lane, new LaneFrontier(4));
    pair.b.frontier.set(lane, new LaneFrontier(2, 6, [{ lo: 3, hi: 5 }]));
    pair.onTheWay = (from, frame) => {
      // The driver's part, as soon as it hears of it.
      const kinds = pair.a.effects.map(({ kind }) => kind);
      if (from === "a" && kinds.includes("rolled-back")) pair.a.origin = (lane.origin + 1) as never;
      return frame;
    };
    pair.run(25);
    expect(pair.a.effects.find(({ kind }) => kind === "rolled-back")).toEqual({
      kind: "rolled-back",
      by: 2,
      entries: 2,
    });
    expect(pair.events("a", "link-live")).toEqual([]);
    expect(pair.isLive("b")).toBe(false);
    pair.run(25);
    expect([pair.isLive("a"), pair.isLive("b")]).toEqual([true, true]);
    expect(pair.a.dials).toBe(2);
  });

  test("remembers what a peer has only said, on an earlier link", () => {
    const pair = linked();
    const lane = { shard: 3, origin: pair.a.origin };
    pair.a.frontier.set(lane, new LaneFrontier(4));
    pair.step("a", { kind: "reset", reason: "test" });
    pair.run(1000);
    expect([pair.isLive("a"), pair.isLive("b")]).toEqual([true, true]);
    pair.a.frontier.set(lane, new LaneFrontier(3));
    pair.step("a", { kind: "reset", reason: "test" });
    pair.run(1000);
    expect(pair.a.effects).toContainEqual({ kind: "rolled-back", by: 2, entries: 1 });
  });

  test("is needed before a refusal takes a process out of service", () => {
    const pair = new Pair();
    pair.onTheWay = (from, frame) =>
      from === "b" && messageOf(frame)?.kind === "proof"
        ? encodeMessage({ kind: "refusal", code: "identity", detail: "stop" }, 2)
        : frame;
    pair.run(100);
    expect(pair.a.sync.status()[0]?.lastFailure).toContain("stop");
    expect(pair.a.sync.twin).toBeUndefined();
  });
});

describe("a link that falls silent", () => {
  test.each([["a"], ["b"]] as const)(
    "because nothing passes from %s is given up by both within two intervals",
    (from) => {
      const pair = linked();
      pair.cut.add(from);
      const silentMs = pair.nowMs;
      while (pair.isLive("a") || pair.isLive("b")) pair.run(25);
      expect(pair.nowMs - silentMs).toBeLessThanOrEqual(
        limits.LINK_SILENCE_MS_MAX + limits.TICK_MS,
      );
      pair.cut.clear();
      pair.run(6000);
      expect([pair.isLive("a"), pair.isLive("b")]).toEqual([true, true]);
    },
  );

  test.each([["a"], ["b"]] as const)(
    "because nothing passes from %s is given up by both although a transport hears no end",
    (from) => {
      const pair = linked();
      pair.deaf = true; // a WebSocket ends when both have said so, and one of them cannot be heard
      pair.cut.add(from);
      const silentMs = pair.nowMs;
      while (pair.isLive("a") || pair.isLive("b")) pair.run(25);
      expect(pair.nowMs - silentMs).toBeLessThanOrEqual(
        limits.LINK_SILENCE_MS_MAX + limits.TICK_MS,
      );
      expect(pair[from].sync.status()[0]?.lastFailure).toMatch(/refused by peer: silent for/);
    },
  );

  test("is dialled again although the transport still waits for a deaf peer", () => {
    const pair = linked();
    pair.deaf = true;
    pair.onTheWay = () => undefined;
    pair.run(2100);
    expect(pair.isLive("a")).toBe(false);
    pair.onTheWay = (_from, frame) => frame;
    pair.run(limits.REDIAL_MS_MAX + limits.HANDSHAKE_MS_MAX);
    expect([pair.isLive("a"), pair.isLive("b")]).toEqual([true, true]);
  });

  test("because we were asleep ourselves is not blamed on the peer, but only once", () => {
    const pair = linked();
    pair.cut.add("b"); // what it sends waits in the kernel
    pair.run(5000, ["b"]);
    pair.step("a", { kind: "tick" });
    expect(pair.isLive("a")).toBe(true);
    pair.run(1000, ["a"]);
    expect(pair.isLive("a")).toBe(true);
    pair.run(1100, ["a"]);
    expect(pair.isLive("a")).toBe(false);
  });

  test("after we were asleep and then heard it again is given up as soon as any other", () => {
    const pair = linked();
    pair.cut.add("b");
    pair.run(900, ["b"]);
    pair.cut.clear();
    pair.run(1100);
    expect(pair.isLive("a")).toBe(true);
    pair.cut.add("b");
    const heardMs = pair.a.sync.status()[0]?.lastHeardMs ?? 0;
    while (pair.isLive("a")) pair.run(25);
    expect(pair.nowMs - heardMs).toBeLessThanOrEqual(limits.LINK_SILENCE_MS_MAX + limits.TICK_MS);
  });
});

describe("the pause before a redial", () => {
  const pausesOf = (livedMs: number): number[] => {
    const redial = new Redial(new SeededRandom("pauses"));
    return Array.from({ length: 12 }, (_, i) => {
      redial.begin();
      redial.dialled(i);
      redial.ended(i, livedMs, 0);
      let ms = 0;
      while (!redial.isDue(ms)) ms++;
      return ms;
    });
  };

  test("grows for a peer that fails, and for one that flaps as well", () => {
    for (const livedMs of [0, limits.LINK_SETTLED_MS - 1]) {
      const pauses = pausesOf(livedMs);
      pauses.forEach((ms, i) => {
        const bound = Math.min(limits.REDIAL_MS_MAX, limits.REDIAL_MS_MIN * 2 ** i);
        expect(ms).toBeGreaterThanOrEqual(bound / 10);
        expect(ms).toBeLessThanOrEqual(bound + 1);
      });
      expect(Math.max(...pauses)).toBeGreaterThan(limits.REDIAL_MS_MAX / 2);
    }
  });

  test("is short again after a link that lasted", () => {
    expect(Math.max(...pausesOf(limits.LINK_SETTLED_MS))).toBeLessThanOrEqual(
      limits.REDIAL_MS_MIN + 1,
    );
  });
});
