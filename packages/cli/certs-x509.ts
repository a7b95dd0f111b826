/**
 * Makes the certificates of a cluster's links: ECDSA P-256, one CA, one leaf for each region.
 *
 *     CA       URI:atoll://CLUSTER               signs leaves and nothing else (path length 0)
 *     region   URI:atoll://CLUSTER/region/NAME   both ends of a link: clientAuth and serverAuth
 *
 * Node reads certificates and makes none; this file alone knows the library that does. It is loaded by
 * the commands that sign something, and by no other.
 */
import "./reflect-shim.ts"; // before the library, which will not load without it
import { KeyObject, X509Certificate, createPrivateKey, webcrypto } from "node:crypto";
import { isIP } from "node:net";
import * as x509 from "@peculiar/x509";
import type { Clock, Random, RegionName } from "@atoll/core";
import { clusterUri, limits, must, regionUri, toHex } from "@atoll/core";

export interface Making {
  readonly clock: Clock;
  readonly random: Random;
}

/** PEM texts. */
export interface CertificateAndKey {
  readonly cert: string;
  readonly key: string;
}

export interface RegionCertificateOptions {
  readonly clusterId: string;
  readonly region: RegionName;
  /** DNS names and addresses, for tools that look at them; links do not. */
  readonly hosts: readonly string[];
  readonly days: number;
}

const DAY_MS = 86_400_000;
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

export async function makeAuthority(
  clusterId: string,
  { clock, random }: Making,
): Promise<CertificateAndKey> {
  const keys = await newKeys();
  const serialNumber = newSerial(random);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber,
    // Two CAs of one cluster are trusted at a time while they are exchanged: their names differ.
    name: [{ CN: [`Atoll link CA ${serialNumber.slice(0, 8)}`] }],
    notBefore: new Date(clock.nowMs() - limits.CERTIFICATE_BACKDATE_MS),
    notAfter: new Date(clock.nowMs() + limits.CA_DAYS * DAY_MS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      new x509.SubjectAlternativeNameExtension([{ type: "url", value: clusterUri(clusterId) }]),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cert: pemText(certificate), key: keyText(keys) };
}

/** Valid for so many days, or until the CA ends. */
export async function makeRegionCertificate(
  authority: CertificateAndKey,
  options: RegionCertificateOptions,
  { clock, random }: Making,
): Promise<CertificateAndKey> {
  const { clusterId, region, hosts, days } = options;
  const { validFromDate, validToDate } = new X509Certificate(authority.cert);
  const issuer = new x509.X509Certificate(authority.cert);
  const keys = await newKeys();
  const fromMs = Math.max(validFromDate.getTime(), clock.nowMs() - limits.CERTIFICATE_BACKDATE_MS);
  const toMs = Math.min(validToDate.getTime(), clock.nowMs() + days * DAY_MS);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(random),
    subject: [{ CN: [region] }],
    issuer: issuer.subjectName,
    notBefore: new Date(fromMs),
    notAfter: new Date(toMs),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: createPrivateKey(authority.key).toCryptoKey(ALGORITHM, false, ["sign"]),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([
        x509.ExtendedKeyUsage.clientAuth,
        x509.ExtendedKeyUsage.serverAuth,
      ]),
      new x509.SubjectAlternativeNameExtension([
        { type: "url", value: regionUri(clusterId, region) },
        ...hosts.map((value) => ({
          type: isIP(value) === 0 ? ("dns" as const) : ("ip" as const),
          value,
        })),
      ]),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  });
  return { cert: pemText(certificate), key: keyText(keys) };
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
}

/** 126 random bits: positive and within the 20 bytes of RFC 5280, section 4.1.2.2. */
function newSerial(random: Random): string {
  const bytes = random.bytes(16);
  bytes[0] = 0x40 | (must(bytes[0], "a byte") & 0x3f);
  return toHex(bytes);
}

function pemText(certificate: x509.X509Certificate): string {
  return `${certificate.toString("pem")}\n`;
}

function keyText({ privateKey }: webcrypto.CryptoKeyPair): string {
  return KeyObject.from(privateKey).export({ type: "pkcs8", format: "pem" }).toString();
}
