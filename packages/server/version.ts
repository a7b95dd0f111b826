/** The version that status, handshake and log name: that of the package. */
import { readFileSync } from "node:fs";

const manifest: unknown = JSON.parse(
  readFileSync(new URL("./package.json", import.meta.url), "utf8"),
);

export const VERSION: string =
  typeof manifest === "object" &&
  manifest !== null &&
  "version" in manifest &&
  typeof manifest.version === "string"
    ? manifest.version
    : "unknown";
