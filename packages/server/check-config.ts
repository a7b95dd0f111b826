/**
 * What a start would find wrong with a configuration, without a start: nothing is opened, made or locked.
 *
 * Whoever rolls out a new file wants to hear about its faults while the region still runs with the old one.
 * Certificates are judged with the file itself; the schema and the keys are read here as a start reads them.
 * What only a start can know is not said: a port that is taken, a directory that may not be written.
 */
import { silentLog, systemClock } from "@atoll/core";
import { loadRegionConfig } from "./config.ts";
import { shownConfig } from "./shown-config.ts";

/** The configuration as an operator may see it. Throws `config-invalid`. */
export async function checkRegionConfig(
  source: Parameters<typeof loadRegionConfig>[0],
): Promise<Readonly<Record<string, unknown>>> {
  const config = loadRegionConfig(source);
  // Loaded here, so that the other commands need not wait for Automerge.
  const { loadProfileSchema } = await import("./profile-schema.ts");
  loadProfileSchema(config.schemaFile);
  if (config.auth !== undefined) {
    const { CredentialFiles } = await import("./credential-files.ts");
    new CredentialFiles({ auth: config.auth, clock: systemClock, log: silentLog });
  }
  return shownConfig(config);
}
