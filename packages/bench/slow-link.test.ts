import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, createServer } from "node:net";
import { expect, test } from "vitest";
import { ManualClock, systemClock } from "@atoll/core";
import { DelayLine, SlowLink } from "./slow-link.ts";

test("what passes is late by the delay, and in order", () => {
  const clock = new ManualClock();
  const startMs = clock.monotonicMs();
  const line = new DelayLine(clock, 40);
  const arrivals: [what: string, atMs: number][] = [];
  const pass = (what: string): void =>
    line.pass(() => arrivals.push([what, clock.monotonicMs() - startMs]));
  pass("one");
  pass("two");
  clock.advance(10);
  pass("three");
  clock.advance(200);
  pass("four");
  clock.advance(200);
  expect(arrivals).toEqual([
    ["one", 40],
    ["two", 40],
    ["three", 50],
    ["four", 250],
  ]);
});

test("bytes and the end of a connection come through in both directions", async () => {
  const server = createServer((socket) => socket.pipe(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const link = await SlowLink.open({ to: port, delayMs: 5, clock: systemClock });
  const sentMs = systemClock.monotonicMs();
  const socket = connect(link.port, "127.0.0.1");
  socket.write("echo");
  const [bytes] = (await once(socket, "data")) as [Buffer];
  expect(bytes.toString()).toBe("echo");
  expect(systemClock.monotonicMs() - sentMs).toBeGreaterThan(9); // there and back
  socket.destroy();
  server.close(); // ends when nobody is connected any more
  await once(server, "close");
  link.close();
});
