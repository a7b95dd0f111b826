/**
 * Ends a connection with RST, so that nothing of it is left, neither here nor there.
 *
 * `resetAndDestroy` alone is not enough: a socket that is just saying goodbye (`end` was called, its FIN has not left) cannot be
 * reset. libuv refuses, and Node has forgotten the handle by then: it stays open for ever and keeps the process alive. Such
 * a socket is closed; what it had not sent is lost as well.
 */
import type { Socket } from "node:net";

export function reset(socket: Socket): void {
  const isSayingGoodbye = socket.writableEnded && !socket.writableFinished;
  if (isSayingGoodbye) socket.destroy();
  else socket.resetAndDestroy();
}
