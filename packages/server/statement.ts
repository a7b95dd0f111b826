/**
 * What a region says that it holds at a cut, signed, and how anybody checks it: the parts of a convergence
 * certificate.
 *
 * Ed25519, with a key for each region that follows from the cluster's secret and the region's name. So there
 * is no key to make, keep, rotate or lose; a region that is restored signs as before; and who checks needs
 * the public keys alone (`GET /admin/v1/keys`), not the secret, which an auditor must not have. An HMAC by
 * the secret would prove something only to those who could have forged it. What it does not prove: that a
 * region did not sign for another. Regions share the secret, and trust each other with every profile anyway.
 */
import type { KeyObject } from "node:crypto";
import { createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import { deriveSigningSeed } from "@atoll/core";

export interface Statement {
  readonly cluster: string;
  readonly region: string;
  readonly origin: string;
  /** When it was said, RFC 3339: advisory, the cut is what counts. */
  readonly at: string;
  readonly cut: Readonly<Record<string, number>>;
  /** At or below the cut. */
  readonly changes: number;
  readonly root: string;
  readonly shards: readonly string[];
}

export interface SignedStatement {
  readonly statement: Statement;
  /** base64url. */
  readonly signature: string;
}

/** What stands before the 32 bytes of an Ed25519 key in DER (RFC 8410). */
const PRIVATE_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");
const PUBLIC_PREFIX = Buffer.from("302a300506032b6570032100", "hex");

export class StatementKeys {
  readonly #secret: string;
  readonly #cluster: string;

  constructor(secret: string, cluster: string) {
    this.#secret = secret;
    this.#cluster = cluster;
  }

  sign(statement: Statement): SignedStatement {
    const signature = sign(null, bytesOf(statement), this.#privateKeyOf(statement.region));
    return { statement, signature: signature.toString("base64url") };
  }

  /** base64url of 32 bytes. */
  publicKeyOf(region: string): string {
    const der = createPublicKey(this.#privateKeyOf(region)).export({ type: "spki", format: "der" });
    return der.subarray(PUBLIC_PREFIX.length).toString("base64url");
  }

  #privateKeyOf(region: string): KeyObject {
    const seed = deriveSigningSeed(this.#secret, this.#cluster, region);
    const key = Buffer.concat([PRIVATE_PREFIX, seed]);
    return createPrivateKey({ key, format: "der", type: "pkcs8" });
  }
}

/** `publicKey`: as `publicKeyOf` gives it. False for anything that does not check, whatever it is. */
export function isSignedBy({ statement, signature }: SignedStatement, publicKey: string): boolean {
  try {
    const raw = Buffer.from(publicKey, "base64url");
    const key = Buffer.concat([PUBLIC_PREFIX, raw]);
    const spki = createPublicKey({ key, format: "der", type: "spki" });
    return verify(null, bytesOf(statement), spki, Buffer.from(signature, "base64url"));
  } catch {
    return false;
  }
}

/** In a fixed order, so that how the file was written does not matter. */
function bytesOf(statement: Statement): Buffer {
  const { cluster, region, origin, at, cut, changes, root, shards } = statement;
  const parts = Object.entries(cut).sort(([a], [b]) => (a < b ? -1 : 1));
  const fields = ["atoll-statement/1", cluster, region, origin, at, parts, changes, root, shards];
  return Buffer.from(JSON.stringify(fields), "utf8");
}
