/**
 * Clients that cost little: kept-alive connections which send the next request when the last is answered.
 *
 * Written on sockets, because the client shares the machine with the server that it measures. It reads no
 * more of an answer than its status and where it ends.
 */
import { connect } from "node:net";
import type { Socket } from "node:net";
import { assert, must } from "@atoll/core";

const HEAD_END = Buffer.from("\r\n\r\n");

/** What a client of some runtime sends without being asked. */
const ORDINARY = [
  "Host: profiles.internal",
  "Connection: keep-alive",
  "Accept: */*",
  "Accept-Language: *",
  "Sec-Fetch-Mode: cors",
  "User-Agent: node",
  "Accept-Encoding: gzip, deflate",
];

/** A request as bytes, ready to be sent. */
export function httpRequest(
  method: "GET" | "PATCH" | "POST" | "PUT",
  path: string,
  body?: { readonly type: string; readonly text: string },
): Buffer {
  const head = [`${method} ${path} HTTP/1.1`, ...ORDINARY];
  if (body === undefined) return Buffer.from(`${head.join("\r\n")}\r\n\r\n`);
  head.push(`Content-Type: ${body.type}`, `Content-Length: ${Buffer.byteLength(body.text)}`);
  return Buffer.from(`${head.join("\r\n")}\r\n\r\n${body.text}`);
}

/** The request after that, at once or later; undefined: no more. */
export type NextRequest = () => Buffer | undefined | Promise<Buffer | undefined>;

/**
 * Sends requests over so many connections until `next` has none, or it is over. Returns how many were
 * answered; any answer but a 2xx is an error.
 */
export async function driveHttp(options: {
  readonly port: number;
  readonly connections: number;
  readonly next: NextRequest;
}): Promise<number> {
  const { port, connections, next } = options;
  const counts = await Promise.all(
    Array.from({ length: connections }, () => driveOne(connect({ port, host: "127.0.0.1" }), next)),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

function driveOne(socket: Socket, next: NextRequest): Promise<number> {
  return new Promise((resolve, reject) => {
    let answered = 0;
    let received: Buffer = Buffer.alloc(0);
    const write = (request: Buffer | undefined): void => {
      if (request === undefined) socket.end();
      else socket.write(request);
    };
    const send = (): void => {
      const request = next();
      if (request instanceof Promise) request.then(write, reject);
      else write(request);
    };
    socket.setNoDelay(true);
    socket.on("connect", send);
    socket.on("data", (bytes) => {
      received = received.length === 0 ? bytes : Buffer.concat([received, bytes]);
      const end = answerEnd(received);
      if (end === undefined || received.length < end) return;
      if (received[9] !== 0x32) {
        socket.destroy(new Error(`answered: ${received.toString("latin1")}`));
        return;
      }
      received = received.subarray(end);
      answered++;
      send();
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(answered));
  });
}

/** Where the answer ends; undefined while its head is not complete. */
function answerEnd(received: Buffer): number | undefined {
  const headEnd = received.indexOf(HEAD_END);
  if (headEnd < 0) return undefined;
  const head = received.toString("latin1", 0, headEnd);
  if (head.startsWith("204", 9)) return headEnd + HEAD_END.length;
  const length = /\r\ncontent-length: (\d+)/i.exec(head);
  assert(length !== null, "every answer tells its length");
  return headEnd + HEAD_END.length + Number(must(length[1], "a length"));
}
