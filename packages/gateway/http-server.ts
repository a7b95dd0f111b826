/**
 * A listener behind `node:http` with every bound set, and an answer for what is not HTTP.
 *
 * Node's own defaults let a slow sender hold a socket for five minutes and count connections
 * without end. What its parser refuses never reaches an application (two lengths, a length with
 * chunks, a header too large), so it is answered here, and its connection closed: after a request
 * whose end is in doubt, nothing on the same connection can be trusted to be a request.
 */
import { createServer } from "node:http";
import type { RequestListener, Server } from "node:http";
import type { Duplex } from "node:stream";
import { limits } from "@atoll/core";

export function createHttpServer(listener: RequestListener): Server {
  const options = {
    maxHeaderSize: limits.HTTP_HEADER_BYTES_MAX,
    headersTimeout: limits.HTTP_HEADERS_MS_MAX,
    requestTimeout: limits.HTTP_REQUEST_MS_MAX,
    connectionsCheckingInterval: limits.HTTP_HEADERS_MS_MAX / 2,
    keepAliveTimeout: limits.HTTP_KEEP_ALIVE_MS,
    insecureHTTPParser: false,
    requireHostHeader: true,
    noDelay: true,
  };
  const server = createServer(options, listener);
  server.timeout = limits.HTTP_STALL_MS; // an answer that nobody takes is not kept for ever
  server.maxHeadersCount = limits.HTTP_HEADERS_MAX;
  server.maxConnections = limits.HTTP_CONNECTIONS_MAX;
  server.on("clientError", answerClientError);
  return server;
}

const STATUS_LINE_BY_CODE: ReadonlyMap<string, string> = new Map([
  ["HPE_HEADER_OVERFLOW", "431 Request Header Fields Too Large"],
  ["ERR_HTTP_REQUEST_TIMEOUT", "408 Request Timeout"],
]);

/** No problem document: too little of the request is known for one to be true. */
function answerClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const statusLine = STATUS_LINE_BY_CODE.get(error.code ?? "") ?? "400 Bad Request";
  socket.end(`HTTP/1.1 ${statusLine}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => {
    socket.destroy(); // without waiting for a sender that may never close its side
  });
}
