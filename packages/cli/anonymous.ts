/**
 * Names of profiles taken out of what is handed to others, so that the same name still is the same.
 *
 * Each is replaced by a keyed hash; the key is made for one bundle and thrown away with it, so that nobody who
 * has the bundle can try ids until one fits. What is no name of a profile stays: a support bundle without
 * regions, times and numbers would help nobody.
 */
import { createHmac } from "node:crypto";
import type { Random } from "@atoll/core";

const SECRET = /secret|token|password|credential|authorization|private/i;
const PROFILE = /^(profileId|docId|profile)$/;
const HASH_CHARS = 16;

export class Anonymizer {
  readonly #key: Uint8Array;

  constructor(random: Random) {
    this.#key = random.bytes(32);
  }

  /** A copy in which every name of a profile is a hash, and every secret is gone. */
  value(value: unknown, name = ""): unknown {
    if (SECRET.test(name) && value !== null && typeof value !== "object") return "(left out)";
    if (typeof value === "string") return PROFILE.test(name) ? this.name(value) : this.text(value);
    if (Array.isArray(value)) return value.map((each) => this.value(each, name));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, this.value(inner, key)]),
    );
  }

  /** A line of a log: JSON by its fields, anything else by what looks like a route with a name in it. */
  line(line: string): string {
    try {
      return JSON.stringify(this.value(JSON.parse(line)));
    } catch {
      return this.text(line);
    }
  }

  /** Paths name profiles and documents. */
  text(text: string): string {
    return text
      .replaceAll(/(\/v1\/profiles\/)([^/?\s"']+)/g, (_all, path: string, id: string) => {
        return `${path}${this.name(decodedOf(id))}`;
      })
      .replaceAll(/(\/documents\/)([^/?\s"']+)/g, (_all, path: string, id: string) => {
        return `${path}${this.name(id)}`;
      })
      .replaceAll(/Bearer +\S+/gi, "Bearer (left out)");
  }

  name(id: string): string {
    const digest = createHmac("sha256", this.#key).update(id, "utf8").digest("hex");
    return `anon-${digest.slice(0, HASH_CHARS)}`;
  }
}

function decodedOf(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
