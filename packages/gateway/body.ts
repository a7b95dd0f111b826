/**
 * Request bodies, bounded while they arrive.
 *
 * Not `express.raw`: that waits for the end of a body it has already refused, so a sender that
 * never ends holds its request for ever. Here a body that grows past the limit, or announces that
 * it will, is refused at once. What is still on its way is read and thrown away up to a second
 * limit: closing at the first byte too many would reset the connection before the sender has seen
 * its answer.
 */
import type { IncomingMessage } from "node:http";
import { AtollError, limits } from "@atoll/core";

/** The client left before its request was complete. Not an error: there is nobody to tell. */
export class ClientGone extends Error {
  override readonly name = "ClientGone";
}

/** Whether the headers announce one. */
export function hasBody(request: IncomingMessage): boolean {
  const length = request.headers["content-length"];
  return request.headers["transfer-encoding"] !== undefined || (length ?? "0") !== "0";
}

export function readBody(request: IncomingMessage, bytesMax: number): Promise<Uint8Array> {
  const announced = request.headers["content-length"];
  if (announced !== undefined && Number(announced) > bytesMax) {
    return Promise.reject(tooLarge(bytesMax));
  }
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const onData = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes > bytesMax) settle(() => reject(tooLarge(bytesMax)));
      else chunks.push(chunk);
    };
    const onEnd = (): void => settle(() => resolve(Buffer.concat(chunks, bytes)));
    // `close` without `end` first: aborted, timed out or not HTTP any more. `error` tells the same.
    const onGone = (): void => settle(() => reject(new ClientGone("the client is gone")));
    const settle = (outcome: () => void): void => {
      request.off("data", onData).off("end", onEnd).off("close", onGone).off("error", onGone);
      outcome();
    };
    request.on("data", onData).on("end", onEnd).on("close", onGone).on("error", onGone);
  });
}

/** Lets the sender of a body that nobody wants finish, within a bound. Safe to call at any time. */
export function discardBody(request: IncomingMessage): void {
  if (request.complete || request.destroyed || !hasBody(request)) return;
  let bytes = 0;
  request.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > limits.BODY_DISCARD_BYTES_MAX) request.socket.destroy();
  });
  request.on("error", () => undefined); // it may still be cut off
  request.resume();
}

function tooLarge(bytesMax: number): AtollError {
  return new AtollError("payload-too-large", `a body has at most ${bytesMax} bytes`);
}
