import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { connect, createServer } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SeededRandom, delay, must, systemClock } from "@atoll/core";
import { LinkProxy } from "./link-proxy.ts";

const PATIENCE_MS = 10_000;

class End {
  readonly socket: Socket;
  text = "";
  ended = false;
  fault: string | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => (this.text += chunk.toString()));
    socket.on("end", () => (this.ended = true));
    socket.on("error", (error: NodeJS.ErrnoException) => (this.fault = error.code));
  }
}

const server = createServer({ allowHalfOpen: true });
let accepted: End[] = [];
let dialled: End[] = [];
let proxy: LinkProxy;
server.on("connection", (socket) => accepted.push(new End(socket)));

beforeEach(async () => {
  [accepted, dialled] = [[], []];
  server.listen({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  const targetPort = (server.address() as AddressInfo).port;
  proxy = await LinkProxy.open({ targetPort, random: new SeededRandom("link proxy") });
});
afterEach(async () => {
  await proxy.close();
  for (const { socket } of [...dialled, ...accepted]) socket.destroy();
  server.close();
  await once(server, "close");
});

async function eventually(what: string, isSo: () => boolean): Promise<void> {
  const untilMs = systemClock.monotonicMs() + PATIENCE_MS;
  while (!isSo()) {
    if (systemClock.monotonicMs() > untilMs) throw new Error(`never: ${what}`);
    await delay(5);
  }
}

function dial(): End {
  const end = new End(connect({ host: "127.0.0.1", port: proxy.port, allowHalfOpen: true }));
  dialled.push(end);
  return end;
}

async function pair(): Promise<{ here: End; there: End }> {
  const here = dial();
  await eventually("accepted", () => accepted.length === 1);
  return { here, there: must(accepted[0], "the other end") };
}

test("what is sent arrives whole and in order, both ways, and so does the end", async () => {
  const { here, there } = await pair();
  const text = "0123456789".repeat(50_000);
  here.socket.write(text);
  there.socket.end(`${text}.`);
  await eventually("both", () => there.text === text && here.text === `${text}.` && here.ended);
  expect(there.ended).toBe(false);
});

test("a swallowed direction is silent while the other passes, and arrives when it is mended", async () => {
  const { here, there } = await pair();
  proxy.set("out", "swallow");
  here.socket.end("lost?");
  there.socket.write("heard");
  await eventually("the other direction", () => here.text === "heard");
  there.socket.write(" again");
  await eventually("the other direction", () => here.text === "heard again");
  expect(there).toMatchObject({ text: "", ended: false });
  proxy.set("out", "pass");
  await eventually("all of it, late", () => there.text === "lost?" && there.ended);
});

test("the end of a process is not heard through a swallowed direction", async () => {
  const { here, there } = await pair();
  proxy.set("out", "swallow");
  here.socket.resetAndDestroy();
  there.socket.write("is anybody there?");
  there.socket.write("is anybody there?");
  const other = new End(connect({ host: "127.0.0.1", port: proxy.port })); // a round trip of its own
  dialled.push(other);
  await once(other.socket, "connect");
  expect(there).toMatchObject({ ended: false, fault: undefined });
  proxy.set("out", "pass");
  await eventually("the end", () => there.ended || there.fault !== undefined);
});

test.each(["out", "back"] as const)(
  "a connection dialled while %s is swallowed gets nowhere until it is mended",
  async (direction) => {
    proxy.set(direction, "swallow");
    const here = dial();
    await once(here.socket, "connect");
    here.socket.write("hello");
    expect(accepted).toEqual([]);
    proxy.set(direction, "pass");
    await eventually("hello", () => accepted[0]?.text === "hello");
  },
);

test("a reset is seen by both ends, and the next connection is sound", async () => {
  const { here, there } = await pair();
  proxy.reset();
  await eventually("both", () => here.fault === "ECONNRESET" && there.fault === "ECONNRESET");
  const next = dial();
  next.socket.write("hello");
  await eventually("hello", () => accepted[1]?.text === "hello");
});

test("nobody at the other end is told as a reset", async () => {
  server.close();
  const here = dial();
  await eventually("a reset", () => here.fault === "ECONNRESET" || here.ended);
  server.listen({ host: "127.0.0.1", port: 0 }); // for the end of the test to close
  await once(server, "listening");
});
