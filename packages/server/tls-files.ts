/**
 * The three files of a region's certificate, read and judged together.
 *
 *     ca     one CA, or old and new while they are exchanged   who signs regions of this cluster
 *     cert   the region's certificate, then what lies between it and the CA, if anything
 *     key    its private key
 *
 * Each of these faults would otherwise show as a link that never comes up, at the other end of the
 * world, in the words of OpenSSL. They are all told at once, at the start, each with its file; and a
 * renewed file that has one is not taken into use.
 */
import type { X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { errorText, parseRegionName, regionOfCertificate, regionUri } from "@atoll/core";
import type { LinkTls } from "@atoll/sync";
import { parseCertificates, parsePrivateKey } from "./pem.ts";

/** Absolute. */
export interface TlsPaths {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface TlsFileFault {
  readonly file: keyof TlsPaths;
  readonly detail: string;
}

export interface TlsOwner {
  readonly clusterId: string;
  readonly region: string;
}

export interface TlsFiles {
  /** Empty when the files may be used. */
  readonly faults: readonly TlsFileFault[];
  readonly tls: LinkTls;
  /** When the certificate stops to work: its own end, or that of what signed it. */
  readonly notAfterMs: number;
}

/** Extended key usages: both ends of a link show the same certificate. */
const USAGES = { "1.3.6.1.5.5.7.3.1": "serverAuth", "1.3.6.1.5.5.7.3.2": "clientAuth" } as const;
const WORLD = 0o007;

export interface TlsTexts {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  /** Why one is undefined. */
  readonly faults: readonly TlsFileFault[];
}

export function readTlsTexts(paths: TlsPaths): TlsTexts {
  const faults: TlsFileFault[] = [];
  const read = (file: keyof TlsPaths): string | undefined => {
    try {
      return readFileSync(paths[file], "utf8");
    } catch (error) {
      faults.push({ file, detail: `cannot be read: ${errorText(error)}` });
      return undefined;
    }
  };
  return { ca: read("ca"), cert: read("cert"), key: read("key"), faults };
}

export function readTlsFiles(paths: TlsPaths, owner: TlsOwner, nowMs: number): TlsFiles {
  return judgeTlsTexts(readTlsTexts(paths), { paths, owner, nowMs });
}

export function judgeTlsTexts(
  texts: TlsTexts,
  context: { readonly paths: TlsPaths; readonly owner: TlsOwner; readonly nowMs: number },
): TlsFiles {
  const { paths, owner, nowMs } = context;
  const { ca = "", cert = "", key = "" } = texts;
  const faults = [...texts.faults];
  const fault = (file: keyof TlsPaths, detail: string): void => void faults.push({ file, detail });

  const authorities = parseCertificates(ca);
  if (texts.ca !== undefined) {
    if (authorities.length === 0) fault("ca", "holds no certificate in PEM");
    else if (!authorities.every((authority) => authority.ca)) {
      fault("ca", "holds a certificate that is not of a CA");
    }
  }
  const chain = parseCertificates(cert);
  const [leaf] = chain;
  if (leaf === undefined && texts.cert !== undefined) fault("cert", "holds no certificate in PEM");
  const trusted = leaf === undefined ? [] : chainOf(leaf, chain.slice(1), authorities);
  if (leaf !== undefined) {
    if (authorities.length > 0 && trusted.length === 0) {
      fault("cert", "is not signed by a CA of tls.ca");
    }
    for (const detail of leafFaults(leaf, owner, nowMs)) fault("cert", detail);
    const stale = trusted.slice(1).find(({ validToDate }) => validToDate.getTime() <= nowMs);
    if (stale !== undefined) fault("ca", `expired on ${day(stale.validToDate)}`);
  }
  const ofKey = texts.key === undefined ? [] : keyFaults(paths.key, key, leaf);
  for (const detail of ofKey) fault("key", detail);

  const ends = trusted.map(({ validToDate }) => validToDate.getTime());
  return {
    faults,
    tls: { clusterId: owner.clusterId, ca, cert, key },
    notAfterMs: Math.min(...ends),
  };
}

function leafFaults(
  leaf: X509Certificate,
  { clusterId, region }: TlsOwner,
  nowMs: number,
): string[] {
  const faults: string[] = [];
  const own = parseRegionName(region); // undefined is a fault of its own, told elsewhere
  if (own !== undefined && clusterId !== "" && regionOfCertificate(leaf, clusterId) !== own) {
    const names = leaf.subjectAltName ?? "no names at all";
    faults.push(
      `is not of this region: expected URI:${regionUri(clusterId, own)} once, not ${names}`,
    );
  }
  if (leaf.validToDate.getTime() <= nowMs) {
    faults.push(`expired on ${day(leaf.validToDate)}; make a new one with atoll certs rotate`);
  } else if (leaf.validFromDate.getTime() > nowMs) {
    faults.push(`is not valid before ${leaf.validFromDate.toISOString()}: look at the clock`);
  }
  // Absent means "for anything"; the name in Node is that of another extension.
  const usages: readonly string[] | undefined = leaf.keyUsage;
  const lacking = Object.entries(USAGES).filter(([oid]) => usages?.includes(oid) === false);
  if (lacking.length > 0) {
    faults.push(`lacks the extended key usage ${lacking.map(([, name]) => name).join(" and ")}`);
  }
  return faults;
}

function keyFaults(path: string, text: string, leaf: X509Certificate | undefined): string[] {
  const faults: string[] = [];
  const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0;
  if (process.platform !== "win32" && (mode & WORLD) !== 0) {
    faults.push(`may be read by everybody on this machine: chmod 600 ${path}`);
  }
  const key = parsePrivateKey(text);
  if (key === undefined) faults.push("holds no private key in PEM without a passphrase");
  else if (leaf !== undefined && !leaf.checkPrivateKey(key))
    faults.push("does not belong to tls.cert");
  return faults;
}

/** From the certificate up to one of the authorities; empty when it leads to none. */
function chainOf(
  leaf: X509Certificate,
  between: readonly X509Certificate[],
  authorities: readonly X509Certificate[],
): X509Certificate[] {
  const authority = authorities.find((issuer) => isSignedBy(leaf, issuer));
  if (authority !== undefined) return [leaf, authority];
  for (const [index, issuer] of between.entries()) {
    if (!isSignedBy(leaf, issuer)) continue;
    const rest = chainOf(issuer, between.toSpliced(index, 1), authorities);
    if (rest.length > 0) return [leaf, ...rest];
  }
  return [];
}

function isSignedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}
