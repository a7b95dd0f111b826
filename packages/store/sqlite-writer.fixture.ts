/**
 * A process for tests to kill: commits samples 1 and 2, opens a transaction in which it writes
 * everything there is about samples 3 to 5, tells its parent, and waits.
 */
import { WRITES, inTransaction } from "./store-writes.ts";
import { openSqliteStore } from "./sqlite-store.ts";

const store = openSqliteStore({ path: process.argv[2] ?? "" });
const writeAll = (n: number): void => {
  for (const write of Object.values(WRITES)) write(store, n);
};
inTransaction(store, () => writeAll(1));
inTransaction(store, () => writeAll(2));
store.begin();
for (const n of [3, 4, 5]) writeAll(n);
process.on("message", () => undefined); // the channel keeps the process alive
process.send?.("in the middle");
