/**
 * PouchDB Server beside us: express-pouchdb over leveldb, in a process of its own.
 *
 * No dependency of the house: it has its own folder with its own lock, and is installed there by the first
 * bench that asks. Where that cannot be done its rows say why, and the bench goes on without it.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { errorText } from "@atoll/core";
import type { BenchOptions } from "./bench.ts";
import { driveHttp, httpRequest } from "./http-connections.ts";
import { httpProfile, httpProfileId } from "./http-profiles.ts";
import { ServerProcess } from "./http-server-process.ts";

const FOLDER = join(import.meta.dirname, "pouchdb");
/** What npm writes last: a folder that it could not fill does not count. */
const INSTALLED = join(FOLDER, "node_modules", ".package-lock.json");
const INSTALL_MS_MAX = 240_000;
const DATABASE = "/people";
const CLIENTS = 16;

/** The server with its database, or why there is none. */
export async function pouchServer({
  directory,
  mayInstall,
  tell,
}: Pick<BenchOptions, "directory" | "mayInstall" | "tell">): Promise<
  ServerProcess | { readonly reason: string }
> {
  try {
    if (!existsSync(INSTALLED)) {
      if (!mayInstall) return { reason: "it is not installed" };
      tell("installing PouchDB Server");
      const command = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
      await promisify(execFile)("npm", command, { cwd: FOLDER, timeout: INSTALL_MS_MAX });
    }
    const own = join(directory, "pouchdb");
    mkdirSync(own);
    const server = new ServerProcess({ kind: "pouchdb", directory: own });
    await server.listening();
    await server.start({});
    let isAsked = false;
    const create = (): Buffer | undefined => {
      if (isAsked) return undefined;
      isAsked = true;
      return httpRequest("PUT", DATABASE, { type: "application/json", text: "{}" });
    };
    await driveHttp({ port: server.port, connections: 1, next: create });
    return server;
  } catch (error) {
    return { reason: errorText(error).split("\n", 1)[0] ?? "it does not start" };
  }
}

/** A new document: the cheapest write that it has, because nothing is there to be compared with. */
export function pouchPut(n: number): Buffer {
  const body = { type: "application/json", text: JSON.stringify(httpProfile(n)) };
  return httpRequest("PUT", `${DATABASE}/${httpProfileId(n)}`, body);
}

export function pouchGet(n: number): Buffer {
  return httpRequest("GET", `${DATABASE}/${httpProfileId(n)}`);
}

export async function fillPouch(server: ServerProcess, profiles: number): Promise<void> {
  let next = 0;
  const put = (): Buffer | undefined => (next < profiles ? pouchPut(next++) : undefined);
  await driveHttp({ port: server.port, connections: CLIENTS, next: put });
}
