/**
 * A thread that lets SQLite look through its own file: pages, trees, indexes, constraints.
 *
 * It takes as long as reading the file takes, which is why it has a thread and a connection to itself: in
 * WAL mode a reader stops no writer. Posts what is wrong, one line each; nothing when all is well.
 */
import { parentPort, workerData } from "node:worker_threads";
import { fileFaults } from "./file-faults.ts";

parentPort?.postMessage(fileFaults(workerData as string));
