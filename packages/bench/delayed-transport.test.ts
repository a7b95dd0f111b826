import { expect, test } from "vitest";
import { ManualClock, SeededRandom, must } from "@atoll/core";
import type { LinkId, Transport } from "@atoll/sync";
import { MemoryNetwork } from "@atoll/sync";
import { DelayedTransport } from "./delayed-transport.ts";

interface Arrival {
  readonly atMs: number;
  readonly byte: number;
}

function arrivalsAt(transport: Transport, clock: ManualClock, startMs: number) {
  const arrivals: Arrival[] = [];
  const links: LinkId[] = [];
  transport.attach({
    linkUp: (link) => void links.push(link),
    linkDown: () => undefined,
    frame: (_link, [byte = -1]) =>
      void arrivals.push({ atMs: clock.monotonicMs() - startMs, byte }),
  });
  return { arrivals, links };
}

test("a frame is late by the link's delay, once, in either direction and in order", () => {
  const clock = new ManualClock();
  const random = new SeededRandom("delayed transport");
  const network = new MemoryNetwork({ clock, random, delayMs: { min: 0, max: 0 } });
  const near = new DelayedTransport(network.transport("near"), clock, () => 40);
  const far = new DelayedTransport(network.transport("far"), clock, () => 75);
  const startMs = clock.monotonicMs();
  const atNear = arrivalsAt(near, clock, startMs);
  const atFar = arrivalsAt(far, clock, startMs);
  near.dial("memory://far");
  clock.advance(1);
  const outward = must(atNear.links[0], "a link");
  const backward = must(atFar.links[0], "its other end");
  near.send(outward, Uint8Array.of(1));
  near.send(outward, Uint8Array.of(2));
  far.send(backward, Uint8Array.of(3));
  clock.advance(10);
  near.send(outward, Uint8Array.of(4));
  clock.advance(200);
  expect(atFar.arrivals).toEqual([
    { atMs: 41, byte: 1 },
    { atMs: 41, byte: 2 },
    { atMs: 51, byte: 4 },
  ]);
  expect(atNear.arrivals).toEqual([{ atMs: 41, byte: 3 }]);
});
