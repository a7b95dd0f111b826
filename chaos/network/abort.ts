/**
 * Ends a connection as a broken network does: with RST, and at once.
 *
 * One that is just saying goodbye cannot be reset: libuv refuses to while a shutdown is under way
 * (`uv_tcp_close_reset`, EINVAL), Node then loses the handle, and the process spins for ever when it should
 * exit. Such a one is closed, which to its other end is over as well.
 */
import type { Socket } from "node:net";

export function abort(socket: Socket): void {
  const isSayingGoodbye = socket.writableEnded && !socket.writableFinished;
  if (isSayingGoodbye) socket.destroy();
  else socket.resetAndDestroy();
}
