/**
 * What a page writes as `region start eu-west-1`: the stand-in for whatever starts and stops a region where the
 * reader is (systemctl, kubectl, a console). In a drill it asks the runner, which owns the processes.
 */
import { once } from "node:events";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:http";
import { join } from "node:path";
import { errorText } from "@atoll/core";

export interface RegionDoor {
  /** A directory for the path: `atoll` and `region`. */
  readonly directory: string;
  close(): void;
}

const VERBS = ["start", "stop", "kill"];

export async function openRegionDoor(
  directory: string,
  act: (words: string) => Promise<void>,
): Promise<RegionDoor> {
  const server = createServer((request, answer) => {
    const [verb = "", region = ""] = (request.url ?? "").slice(1).split("/");
    const acting = VERBS.includes(verb)
      ? act(`${verb} ${region}`)
      : Promise.reject(new Error(`region ${verb}: expected one of ${VERBS.join(", ")}`));
    acting.then(
      () => answer.end(`${region}: ${verb} done\n`),
      (error: unknown) => answer.writeHead(500).end(`${errorText(error)}\n`),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  mkdirSync(directory, { recursive: true });
  const command = join(import.meta.dirname, "../packages/cli/bin/atoll.mjs");
  writeScript(join(directory, "atoll"), `exec '${process.execPath}' '${command}' "$@"`);
  writeScript(
    join(directory, "region"),
    `exec curl -sS --fail-with-body "http://127.0.0.1:${port}/$1/$2"`,
  );
  return { directory, close: () => server.close() };
}

function writeScript(path: string, line: string): void {
  writeFileSync(path, `#!/bin/sh\n${line}\n`);
  chmodSync(path, 0o755);
}
