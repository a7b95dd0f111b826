/** What this process is made of, as a support request needs it. */
import { VERSION } from "./version.ts";

export function buildInfo(): Readonly<Record<string, string>> {
  const { node, v8, openssl, zlib, zstd = "unknown" } = process.versions;
  return {
    version: VERSION,
    node,
    v8,
    openssl,
    zlib,
    zstd,
    platform: process.platform,
    arch: process.arch,
  };
}
