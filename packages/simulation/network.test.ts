// The simulated network keeps the transport's contract, and breaks nothing but what it is told to break.
import { beforeEach, expect, test } from "vitest";
import { SeededRandom } from "@atoll/core";
import type { NetworkOptions } from "./network.ts";
import { SimNetwork, SimTransport } from "./network.ts";
import { World } from "./world.ts";

let world: World;
let network: SimNetwork;
let a: SimTransport;
let b: SimTransport;
let heard: string[];

function build(options: Partial<NetworkOptions> = {}): void {
  world = new World();
  heard = [];
  network = new SimNetwork(world, new SeededRandom("network"), {
    latencyMs: () => ({ min: 1, max: 30 }),
    ...{ breakRate: 0, duplicateRate: 0, reorderRate: 0, corruptRate: 0, mayOvertake: () => true },
    corrupt: () => undefined,
    observe: () => undefined,
    ...options,
  });
  [a, b] = ["a", "b"].map((name) => {
    const transport = new SimTransport(network, name, { name, life: 1, freeAtMs: 0, costMs: 0 });
    transport.attach({
      linkUp: (link, dialled) => heard.push(`${name} up ${link} ${dialled ? "dialled" : "taken"}`),
      frame: (_link, bytes) => heard.push(`${name} ${String(bytes[0])}`),
      linkDown: (_link, reason) => heard.push(`${name} down: ${reason}`),
    });
    return transport;
  }) as [SimTransport, SimTransport];
}

beforeEach(() => build());

async function linked(): Promise<void> {
  a.dial("sim://b");
  await world.run(200);
  heard.length = 0;
}

function send(count: number): void {
  for (let i = 1; i <= count; i++) a.send(1, Uint8Array.of(i));
}

test("both ends come up, and frames arrive in order whatever their delays", async () => {
  a.dial("sim://b");
  await world.run(200);
  expect(heard).toEqual(["b up 1 taken", "a up 1 dialled"]);
  send(9);
  await world.run(400);
  expect(heard.slice(2)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9].map((i) => `b ${i}`));
});

test("nobody listens: the dialler is told", async () => {
  a.dial("sim://nobody");
  await world.run(200);
  expect(heard).toEqual(["a down: unreachable"]);
});

test("what is sent into a cut arrives when all of it is healed", async () => {
  await linked();
  network.cut("a", "b");
  network.cut("a", "b");
  send(2);
  await world.run(1_000);
  network.heal("a", "b");
  await world.run(2_000);
  expect(heard).toEqual([]);
  expect(a.backlogBytes(1)).toBe(0);
  network.heal("a", "b");
  await world.run(3_000);
  expect(heard).toEqual(["b 1", "b 2"]);
});

test("a link that breaks loses what was under way, and both ends hear of it once", async () => {
  await linked();
  send(3);
  network.breakLinks("a", "b");
  await world.run(1_000);
  expect(heard.sort()).toEqual(["a down: broken", "b down: broken"]);
});

test("a process that dies resets its links, unless its machine is gone", async () => {
  await linked();
  b.crash(true);
  await world.run(1_000);
  expect(heard).toEqual([]);
  build();
  await linked();
  b.crash();
  await world.run(1_000);
  expect(heard).toEqual(["a down: reset by peer"]);
});

test("a slow link has a backlog until it is sent", async () => {
  await linked();
  network.throttle("a", "b", 0.01);
  send(5);
  expect(a.backlogBytes(1)).toBe(5);
  await world.run(world.nowMs + 250);
  expect(heard.length).toBeLessThan(5);
  await world.run(world.nowMs + 1_000);
  expect(heard).toHaveLength(5);
  expect(a.backlogBytes(1)).toBe(0);
});

test("asked to, it repeats frames and lets some overtake, but not those of a handshake", async () => {
  build({ duplicateRate: 1, reorderRate: 0.5 });
  await linked();
  send(20);
  await world.run(2_000);
  const order = heard.map((line) => Number(line.split(" ")[1]));
  expect(order.slice(0, 3)).toEqual([1, 2, 3]);
  expect(new Set(order).size).toBe(20);
  expect(order.length).toBeGreaterThan(20);
});
