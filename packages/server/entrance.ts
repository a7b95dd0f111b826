/**
 * Who and how much comes in at this region's listeners: credentials, rates, and when there is no room.
 *
 * Both listeners know the same credentials; each has bulkheads of its own, so that an operator gets in
 * while clients queue.
 */
import type { Clock, Log } from "@atoll/core";
import { Gatekeeper, LoopLag } from "@atoll/gateway";
import type { GatekeeperOptions } from "@atoll/gateway";
import type { RegionConfig } from "./config.ts";
import { CredentialFiles } from "./credential-files.ts";
import { DiskWatermark } from "./disk-watermark.ts";

export interface Entrance {
  readonly clients: Gatekeeper;
  readonly operators: Gatekeeper;
  readonly loopLag: LoopLag;
  readonly disk: DiskWatermark;
  close(): void;
}

/**
 * `addressOf`: where clients come from, when connections are not theirs.
 * Throws `config-invalid` for files of credentials that do not read well.
 */
export function openEntrance(
  config: RegionConfig,
  clock: Clock,
  log: Log,
  addressOf?: GatekeeperOptions["addressOf"],
): Entrance {
  const { auth, rates, dataDirectory } = config;
  const files = auth && new CredentialFiles({ auth, clock, log });
  if (files === undefined) log.warn("listeners-open", { mend: "set auth" });
  files?.start();
  const loopLag = new LoopLag(clock);
  loopLag.start();
  const disk = new DiskWatermark({ directory: dataDirectory, clock });
  const credentials = files?.credentials;
  return {
    clients: new Gatekeeper({
      clock,
      credentials,
      rates,
      ...(addressOf !== undefined && { addressOf }),
      refusal: () => loopLag.refusal() ?? disk.refusal(),
    }),
    operators: new Gatekeeper({ clock, credentials }),
    loopLag,
    disk,
    close() {
      files?.close();
      loopLag.stop();
    },
  };
}
