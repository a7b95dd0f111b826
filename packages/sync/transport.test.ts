import { once } from "node:events";
import { expect, test } from "vitest";
import { ManualClock, SeededRandom, limits, must, silentLog } from "@atoll/core";
import { WebSocket } from "ws";
import { MemoryNetwork } from "./memory-network.ts";
import { Recorder, transportConformance } from "./transport.conformance.ts";
import { PEER_PATH, WebSocketTransport } from "./websocket-transport.ts";

transportConformance("memory", () => {
  const clock = new ManualClock();
  const random = new SeededRandom("transport");
  const network = new MemoryNetwork({ clock, random, delayMs: { min: 1, max: 30 } });
  const dialler = network.transport("dialler");
  const listener = network.transport("listener");
  return Promise.resolve({
    dialler,
    listener,
    url: "memory://listener",
    deadUrl: "memory://nobody",
    until(what, condition) {
      for (let i = 0; i < 1000 && !condition(); i++) clock.advance(1);
      expect(condition(), what).toBe(true);
      return Promise.resolve();
    },
    async close() {
      await dialler.stop();
      await listener.stop();
    },
  });
});

transportConformance("WebSocket", async () => {
  const dialler = webSocketTransport();
  const listener = webSocketTransport();
  const port = await listener.listen();
  const dead = webSocketTransport();
  const deadPort = await dead.listen();
  await dead.stop();
  return {
    dialler,
    listener,
    url: `ws://127.0.0.1:${port}`,
    deadUrl: `ws://127.0.0.1:${deadPort}`,
    until,
    async close() {
      await dialler.stop();
      await listener.stop();
    },
  };
});

test.each([
  [
    "an oversized frame",
    (socket: WebSocket) => socket.send(Buffer.alloc(limits.FRAME_BYTES_MAX + 1)),
  ],
  ["a text frame", (socket: WebSocket) => socket.send("hello")],
  [
    "a thousand fragments",
    (socket: WebSocket) => {
      for (let i = 0; i < 1000; i++) socket.send(Uint8Array.of(1), { fin: false });
    },
  ],
])("%s closes its own link and leaves the others alone", async (_what, misbehave) => {
  const listener = webSocketTransport();
  const there = new Recorder();
  listener.attach(there);
  const url = `ws://127.0.0.1:${await listener.listen()}${PEER_PATH}`;
  const honest = new WebSocket(url);
  const hostile = new WebSocket(url);
  hostile.on("error", () => undefined);
  await Promise.all([once(honest, "open"), once(hostile, "open")]);
  misbehave(hostile);
  await until("closed", () => there.downs.length === 1);
  expect(there.frames).toEqual([]);
  honest.send(Uint8Array.of(1, 2, 3));
  await until("honest frame", () => there.frames.length === 1);
  honest.terminate();
  await listener.stop();
});

test("what is said in one turn leaves in one packet, also right before the stop", async () => {
  const listener = webSocketTransport();
  const port = await listener.listen();
  const packets: Buffer[] = [];
  const peer = new WebSocket(`ws://127.0.0.1:${port}${PEER_PATH}`);
  peer.on("upgrade", ({ socket }) => {
    socket.on("data", (bytes: Buffer) => packets.push(bytes));
  });
  listener.attach({
    linkUp(link) {
      for (const byte of [1, 2, 3]) listener.send(link, Uint8Array.of(byte));
      void listener.stop();
    },
    linkDown: () => undefined,
    frame: () => undefined,
  });
  await once(peer, "close");
  expect(packets.map((bytes) => bytes.toString("hex"))).toEqual(["820101" + "820102" + "820103"]);
});

test("a listener says plainly that its port is taken", async () => {
  const first = webSocketTransport();
  const port = await first.listen();
  const second = webSocketTransport(port);
  await expect(second.listen()).rejects.toMatchObject({ code: "address-in-use" });
  await second.stop();
  await first.stop();
});

test("a plain HTTP request is told what is spoken here", async () => {
  const listener = webSocketTransport();
  const response = await fetch(`http://127.0.0.1:${await listener.listen()}/`);
  expect(response.status).toBe(426);
  await listener.stop();
});

function webSocketTransport(port = 0): WebSocketTransport {
  return new WebSocketTransport({ listen: { host: "127.0.0.1", port }, log: silentLog });
}

/** Gives the event loop turns until the condition holds; the test's own timeout bounds it. */
async function until(_what: string, condition: () => boolean): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  while (!condition()) {
    port2.postMessage(undefined);
    await once(port1, "message");
  }
  port1.close();
  must(port2, "port").close();
}
