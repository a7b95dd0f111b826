// What is reset is gone: also the handle below it, which would keep a process alive that has nothing left to do.
import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { connect, createServer } from "node:net";
import { expect, test, vi } from "vitest";
import { reset } from "./reset.ts";

function openHandles(): number {
  return process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length;
}

test.each([
  ["is quiet", () => undefined],
  ["is just saying goodbye", (socket: Socket) => socket.end()],
  ["is just saying goodbye after much", (socket: Socket) => socket.end(Buffer.alloc(8 << 20))],
  ["is already gone", (socket: Socket) => socket.destroy()],
])("nothing is left of a connection that %s when it is reset", async (_what, prepare) => {
  const before = openHandles();
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true });
  server.listen({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  socket.on("error", () => undefined);
  const [[accepted]] = await Promise.all([
    once(server, "connection") as Promise<[Socket]>,
    once(socket, "connect"),
  ]);
  accepted.on("error", () => undefined);

  prepare(socket);
  reset(socket);
  accepted.destroy();
  server.close();

  await vi.waitFor(() => expect(openHandles()).toBe(before), 5_000);
  expect(socket.destroyed).toBe(true);
});
