import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, test } from "vitest";

/** Half a goodbye in flight when the connection is aborted; then there is nothing left to do but exit. */
const PROGRAM = `
  import { once } from "node:events";
  import { connect, createServer } from "node:net";
  import { abort } from ${JSON.stringify(join(import.meta.dirname, "abort.ts"))};
  const server = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const socket = connect({ host: "127.0.0.1", port: server.address().port, allowHalfOpen: true });
  const [[other]] = await Promise.all([once(server, "connection"), once(socket, "connect")]);
  socket.on("error", (error) => console.log(error.message));
  other.on("error", () => undefined).resume();
  socket.end();
  process.nextTick(() => process.nextTick(() => abort(socket)));
  await once(socket, "close");
  other.destroy();
  server.close();
`;

test("a process that aborts what is just saying goodbye can still exit", async () => {
  const options = ["--input-type=module", "--eval", PROGRAM];
  const child = spawn(process.execPath, options, {
    stdio: ["ignore", "pipe", "inherit"],
    timeout: 30_000,
    killSignal: "SIGKILL",
  });
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  expect(await once(child, "exit")).toEqual([0, null]);
  expect(said).toBe("");
}, 60_000);
