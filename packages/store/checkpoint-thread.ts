/**
 * A thread that copies pages of the write-ahead log into the database file, on a connection of its own.
 *
 * PASSIVE waits for nobody and stops nobody: the region writes on meanwhile. Whoever asked waits on `state`, where the
 * thread says what it does, or hears of it by a message.
 */
import { parentPort, workerData } from "node:worker_threads";
import Database from "better-sqlite3";

/** What stands in the shared cell. */
export const CHECKPOINT_STATES = { resting: 0, working: 1, ended: 2 } as const;

export interface CheckpointPlan {
  readonly path: string;
  readonly state: Int32Array<SharedArrayBuffer>;
}

if (parentPort !== null) work(parentPort, workerData as CheckpointPlan);

function work(port: NonNullable<typeof parentPort>, { path, state }: CheckpointPlan): void {
  const say = (now: number): void => {
    Atomics.store(state, 0, now);
    Atomics.notify(state, 0);
  };
  const database = new Database(path);
  database.pragma("checkpoint_fullfsync = ON");
  database.pragma("cache_size = -64"); // it reads the log, and no pages
  port.on("message", (asked: "checkpoint" | "end") => {
    if (asked === "end") {
      database.close();
      say(CHECKPOINT_STATES.ended);
      port.close();
      return;
    }
    try {
      database.pragma("wal_checkpoint(PASSIVE)");
    } catch {
      // The log is kept, and the next one tries again: SQLite's own checkpoints tell nobody either.
    }
    say(CHECKPOINT_STATES.resting);
    port.postMessage("done");
  });
}
