// Certificates for tests, good and bad, made anew in each run: no key is ever committed.
//
// The command makes real ones (cli/certs-x509.ts) and refuses to make most of these. Other rooms use
// this file as `@atoll/sync/certificates.fixture.ts`.
import { KeyObject, webcrypto } from "node:crypto";
import type { RegionName } from "@atoll/core";
import { must, parseRegionName, regionUri, systemClock, systemRandom, toHex } from "@atoll/core";
import type { LinkTls } from "./peer-certificate.ts";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
export const DAY_MS = 86_400_000;

// The library's container asks for a reflection library, of which it needs only "nothing is known".
const none = (): undefined => undefined;
const reflect: Record<string, unknown> = Reflect;
for (const name of ["getMetadata", "getOwnMetadata", "defineMetadata"]) reflect[name] ??= none;
const x509 = await import("@peculiar/x509");

export interface TestAuthority {
  readonly name: string;
  readonly keys: webcrypto.CryptoKeyPair;
  readonly cert: string;
}

export async function makeAuthority(name: string, notAfterDays = 10): Promise<TestAuthority> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity(-10, notAfterDays),
    name: [{ CN: [name] }],
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
  });
  return { name, keys, cert: `${certificate.toString("pem")}\n` };
}

export interface TestCertificateOptions {
  readonly clusterId?: string;
  readonly region?: string;
  /** Instead of the one name of the region. */
  readonly uris?: readonly string[];
  readonly dns?: readonly string[];
  readonly notBeforeDays?: number;
  readonly notAfterDays?: number;
  readonly usages?: readonly ("clientAuth" | "serverAuth")[];
}

/** What one end of a link needs; `ca` is the authority that signed it. */
export async function makeCertificate(
  authority: TestAuthority,
  options: TestCertificateOptions = {},
): Promise<LinkTls> {
  const { clusterId = "test", region = "us-east-1", dns = [] } = options;
  const { usages = ["clientAuth", "serverAuth"] } = options;
  const { uris = [regionUri(clusterId, testRegion(region))] } = options;
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.create({
    ...validity(options.notBeforeDays ?? -1, options.notAfterDays ?? 5),
    subject: [{ CN: [region] }],
    issuer: [{ CN: [authority.name] }],
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: authority.keys.privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(false),
      new x509.ExtendedKeyUsageExtension(usages.map((usage) => x509.ExtendedKeyUsage[usage])),
      new x509.SubjectAlternativeNameExtension([
        ...uris.map((value) => ({ type: "url" as const, value })),
        ...dns.map((value) => ({ type: "dns" as const, value })),
      ]),
    ],
  });
  const key = KeyObject.from(keys.privateKey).export({ type: "pkcs8", format: "pem" });
  return {
    clusterId,
    ca: authority.cert,
    cert: `${certificate.toString("pem")}\n`,
    key: String(key),
  };
}

export function testRegion(name: string): RegionName {
  return must(parseRegionName(name), "a region's name");
}

function validity(notBeforeDays: number, notAfterDays: number) {
  const nowMs = systemClock.nowMs();
  return {
    serialNumber: `01${toHex(systemRandom.bytes(15))}`,
    notBefore: new Date(nowMs + notBeforeDays * DAY_MS),
    notAfter: new Date(nowMs + notAfterDays * DAY_MS),
  };
}
