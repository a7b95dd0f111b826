/**
 * What an operator does with the certificates of links: make a CA, give each region a certificate,
 * renew them, exchange the CA without a moment in which two regions do not trust each other.
 *
 *     exchanging the CA     trusted by regions     signs
 *     rotate --ca           new and old            new       copy ca.crt to every region, first
 *     rotate                new and old            new       then copy every certificate
 *     rotate --retire-ca    new                    new       then copy ca.crt again
 *
 * A certificate of the new CA in use anywhere before every region trusts it would cut a link; that is
 * why these are three commands, and why the last refuses while it sees a certificate of the old.
 */
import { X509Certificate } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import type { RegionName } from "@atoll/core";
import { parseCertificates } from "@atoll/server";
import type { Authority, RegionFiles } from "./certs-directory.ts";
import {
  createAuthorityFiles,
  failure,
  listRegions,
  readAuthority,
  readBundle,
  regionFiles,
  replaceAuthority,
  replaceBundle,
  replaceRegion,
} from "./certs-directory.ts";
import type { Making } from "./certs-x509.ts";
import { makeAuthority, makeRegionCertificate } from "./certs-x509.ts";

export interface Issued {
  readonly region: RegionName;
  readonly files: RegionFiles;
  readonly notAfter: Date;
}

export interface Issuing {
  /** Undefined: those of the certificate before. */
  readonly hosts: readonly string[] | undefined;
  readonly days: number;
}

export interface ShownCertificate {
  /** A region's name, or `CA`, which none has. */
  readonly of: string;
  readonly subject: string;
  readonly names: readonly string[];
  readonly issuer: string;
  readonly notAfter: string;
  readonly daysLeft: number;
  readonly remark: string;
}

const DAY_MS = 86_400_000;

export async function initCerts(
  directory: string,
  clusterId: string,
  making: Making,
): Promise<{ readonly notAfter: Date }> {
  const authority = await makeAuthority(clusterId, making);
  createAuthorityFiles(directory, authority);
  return { notAfter: new X509Certificate(authority.cert).validToDate };
}

export async function issueCert(
  directory: string,
  options: Issuing & { readonly region: RegionName },
  making: Making,
): Promise<Issued> {
  const authority = readAuthority(directory);
  const { cert, key } = regionFiles(directory, options.region);
  for (const path of [cert, key]) {
    if (!existsSync(path)) continue;
    const mend = `Renew it with atoll certs rotate --region ${options.region}.`;
    throw failure(`${path} exists, and nothing is overwritten`, mend);
  }
  return await sign(directory, authority, options, making);
}

/** Renews these regions, or all that have a certificate here. */
export async function rotateCerts(
  directory: string,
  options: Issuing & { readonly regions: readonly RegionName[] },
  making: Making,
): Promise<Issued[]> {
  const authority = readAuthority(directory);
  const known = listRegions(directory);
  const regions = options.regions.length > 0 ? options.regions : known;
  const unknown = regions.filter((region) => !known.includes(region));
  if (unknown.length > 0 || regions.length === 0) {
    throw failure(
      regions.length === 0
        ? `${directory} holds no certificate of a region`
        : `${directory} holds no certificate of ${unknown.join(", ")}`,
      "Make one with atoll certs issue --region NAME.",
    );
  }
  const issued: Issued[] = [];
  for (const region of regions) {
    issued.push(await sign(directory, authority, { ...options, region }, making));
  }
  return issued;
}

/** A new CA signs from now on, and the old one is trusted as well. */
export async function rotateAuthority(
  directory: string,
  making: Making,
): Promise<{ readonly notAfter: Date; readonly trusted: number }> {
  const { clusterId } = readAuthority(directory);
  const trusted = readBundle(directory);
  const next = await makeAuthority(clusterId, making);
  replaceAuthority(directory, next, trusted);
  return {
    notAfter: new X509Certificate(next.cert).validToDate,
    trusted: trusted.length + 1,
  };
}

/** Only the CA that signs is trusted from now on. Returns how many are not any more. */
export function retireAuthorities(directory: string): number {
  const { certificate } = readAuthority(directory);
  const trusted = readBundle(directory);
  const behind = listRegions(directory).filter((region) => {
    return !readRegion(directory, region).verify(certificate.publicKey);
  });
  if (behind.length > 0) {
    throw failure(
      `The older CA cannot be retired: the certificate of ${behind.join(", ")} is still signed by an older one`,
      "Renew it with atoll certs rotate, and copy it to its region first.",
    );
  }
  replaceBundle(directory, [certificate]);
  return trusted.length - 1;
}

export function showCerts(directory: string, nowMs: number): ShownCertificate[] {
  const { certificate: signing } = readAuthority(directory);
  const authorities = readBundle(directory).map((certificate) => {
    const remark = certificate.fingerprint256 === signing.fingerprint256 ? "signs" : "trusted";
    return shown("CA", certificate, remark, nowMs);
  });
  const regions = listRegions(directory).map((region) => {
    const certificate = readRegion(directory, region);
    const isOfSigning = certificate.verify(signing.publicKey);
    return shown(region, certificate, isOfSigning ? "" : "signed by an older CA", nowMs);
  });
  return [...authorities, ...regions];
}

async function sign(
  directory: string,
  authority: Authority,
  options: Issuing & { readonly region: RegionName },
  making: Making,
): Promise<Issued> {
  const { clusterId, certificate } = authority;
  const { region, days } = options;
  if (certificate.validToDate.getTime() <= making.clock.nowMs()) {
    throw failure(
      `The CA in ${directory} expired on ${day(certificate.validToDate)}`,
      "Make a new one with atoll certs rotate --ca.",
    );
  }
  const hosts = options.hosts ?? hostsOf(directory, region);
  const made = await makeRegionCertificate(authority, { clusterId, region, hosts, days }, making);
  const files = replaceRegion(directory, region, made);
  return { region, files, notAfter: new X509Certificate(made.cert).validToDate };
}

function hostsOf(directory: string, region: RegionName): string[] {
  if (!existsSync(regionFiles(directory, region).cert)) return [];
  return namesOf(readRegion(directory, region))
    .map((name) => /^(?:DNS|IP Address):(.+)$/.exec(name)?.[1])
    .filter((host) => host !== undefined);
}

function readRegion(directory: string, region: RegionName): X509Certificate {
  const { cert } = regionFiles(directory, region);
  const [certificate] = parseCertificates(readFileSync(cert, "utf8"));
  if (certificate === undefined) throw failure(`${cert} holds no certificate`);
  return certificate;
}

function shown(
  of: string,
  certificate: X509Certificate,
  remark: string,
  nowMs: number,
): ShownCertificate {
  const { subject, issuer, validToDate } = certificate;
  const daysLeft = Math.floor((validToDate.getTime() - nowMs) / DAY_MS);
  return {
    of,
    subject,
    names: namesOf(certificate),
    issuer,
    notAfter: validToDate.toISOString(),
    daysLeft,
    remark: daysLeft < 0 ? "EXPIRED" : remark,
  };
}

function namesOf({ subjectAltName }: X509Certificate): string[] {
  return subjectAltName?.split(", ") ?? [];
}

export function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}
