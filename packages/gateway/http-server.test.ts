/** The server's bounds are set: what Node would let pass or wait for is not. */
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { limits } from "@atoll/core";
import { createHttpServer } from "./http-server.ts";

test("every bound is the one of limits.ts", () => {
  const server = createHttpServer(() => undefined);
  expect(server).toMatchObject({
    headersTimeout: limits.HTTP_HEADERS_MS_MAX,
    requestTimeout: limits.HTTP_REQUEST_MS_MAX,
    keepAliveTimeout: limits.HTTP_KEEP_ALIVE_MS,
    timeout: limits.HTTP_STALL_MS,
    maxHeadersCount: limits.HTTP_HEADERS_MAX,
    maxConnections: limits.HTTP_CONNECTIONS_MAX,
  });
});

test("after a parser error the connection is closed, even if the client keeps it", async () => {
  const server = createHttpServer((_request, response) => response.end("ok"));
  const hungUp = new Promise((resolve) => {
    server.on("connection", (socket) => socket.on("close", resolve));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  const client = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  let text = "";
  client.on("data", (chunk) => (text += chunk.toString("latin1")));
  const answered = new Promise((resolve) => client.on("end", resolve));
  client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\nnonsense\r\n\r\n");
  await Promise.all([hungUp, answered]);
  expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 400"]);
  expect(text).toContain("Connection: close");
  client.destroy();
  server.close();
}, 3_000); // Node would get round to it when the connection has been idle for long enough
