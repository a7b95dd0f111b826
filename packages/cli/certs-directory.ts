/**
 * The directory in which an operator keeps the certificates of a cluster.
 *
 *     DIR/ca.key               0600   signs regions: stays here, no region needs it
 *     DIR/ca.crt                      what regions trust: the CA, and the one before it until it is retired
 *     DIR/REGION/ca.crt               ┐ everything that the region needs: copied there as a whole
 *     DIR/REGION/region.crt           │
 *     DIR/REGION/region.key    0600   ┘
 *
 * A file is replaced by renaming a finished one over it: a region that reads it at that moment sees the
 * old or the new. Certificate and key are two files, and a region that meets the one without the other
 * keeps what it has until its next look.
 */
import { X509Certificate } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { RegionName } from "@atoll/core";
import { AtollError, errorText, parseClusterUri, parseRegionName } from "@atoll/core";
import { parseCertificates, parsePrivateKey } from "@atoll/server";
import type { CertificateAndKey } from "./certs-x509.ts";

const PRIVATE = 0o600;
const PUBLIC = 0o644;

export interface Authority extends CertificateAndKey {
  readonly clusterId: string;
  readonly certificate: X509Certificate;
}

export interface RegionFiles {
  readonly directory: string;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export function regionFiles(directory: string, region: string): RegionFiles {
  const own = join(directory, region);
  return {
    directory: own,
    ca: join(own, "ca.crt"),
    cert: join(own, "region.crt"),
    key: join(own, "region.key"),
  };
}

/** The CA whose key is here: of several that are trusted, the one that signs. */
export function readAuthority(directory: string): Authority {
  const key = readText(caKeyPath(directory), directory);
  const certificates = readBundle(directory);
  const privateKey = parsePrivateKey(key);
  const certificate = certificates.find((one) => {
    return privateKey !== undefined && one.checkPrivateKey(privateKey);
  });
  if (certificate === undefined) {
    throw failure(`${caKeyPath(directory)} belongs to no certificate of ca.crt beside it`);
  }
  const uri = certificate.subjectAltName?.replace(/^URI:/, "") ?? "";
  const clusterId = parseClusterUri(uri);
  if (clusterId === undefined) {
    throw failure(
      `${bundlePath(directory)} does not say of which cluster it is`,
      "Make one with atoll certs init.",
    );
  }
  return { clusterId, certificate, cert: `${certificate.toString().trim()}\n`, key };
}

/** Every CA that regions are to trust; the newest first. */
export function readBundle(directory: string): X509Certificate[] {
  return parseCertificates(readText(bundlePath(directory), directory));
}

export function bundleText(certificates: readonly X509Certificate[]): string {
  return certificates.map((certificate) => `${certificate.toString().trim()}\n`).join("");
}

/** Regions that have a certificate here, in order of name. */
export function listRegions(directory: string): RegionName[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(regionFiles(directory, entry.name).cert))
    .map(({ name }) => parseRegionName(name))
    .filter((name) => name !== undefined)
    .sort();
}

/** Throws when there is one already: whoever overwrites a CA cuts every link it signed. */
export function createAuthorityFiles(directory: string, { cert, key }: CertificateAndKey): void {
  makeDirectory(directory);
  for (const path of [caKeyPath(directory), bundlePath(directory)]) {
    if (!existsSync(path)) continue;
    throw failure(
      `${path} exists, and nothing is overwritten`,
      "Choose another --dir, or replace the CA step by step with atoll certs rotate --ca.",
    );
  }
  replaceFiles([
    { path: caKeyPath(directory), text: key, mode: PRIVATE },
    { path: bundlePath(directory), text: cert, mode: PUBLIC },
  ]);
}

/** The new CA signs from now on; the others stay trusted. */
export function replaceAuthority(
  directory: string,
  next: CertificateAndKey,
  trusted: readonly X509Certificate[],
): void {
  const bundle = bundleText([new X509Certificate(next.cert), ...trusted]);
  replaceFiles([
    { path: bundlePath(directory), text: bundle, mode: PUBLIC }, // trusted before it signs
    { path: caKeyPath(directory), text: next.key, mode: PRIVATE },
  ]);
  shareBundle(directory, bundle);
}

export function replaceBundle(directory: string, trusted: readonly X509Certificate[]): void {
  const bundle = bundleText(trusted);
  replaceFiles([{ path: bundlePath(directory), text: bundle, mode: PUBLIC }]);
  shareBundle(directory, bundle);
}

export function replaceRegion(
  directory: string,
  region: string,
  { cert, key }: CertificateAndKey,
): RegionFiles {
  const files = regionFiles(directory, region);
  makeDirectory(files.directory);
  replaceFiles([
    { path: files.ca, text: readText(bundlePath(directory), directory), mode: PUBLIC },
    { path: files.key, text: key, mode: PRIVATE },
    { path: files.cert, text: cert, mode: PUBLIC },
  ]);
  return files;
}

function shareBundle(directory: string, bundle: string): void {
  replaceFiles(
    listRegions(directory).map((region) => {
      return { path: regionFiles(directory, region).ca, text: bundle, mode: PUBLIC };
    }),
  );
}

interface Replacement {
  readonly path: string;
  readonly text: string;
  readonly mode: number;
}

/** All are written to the end, beside the old, before the first takes its place. */
function replaceFiles(files: readonly Replacement[]): void {
  try {
    for (const { path, text, mode } of files) {
      rmSync(fresh(path), { force: true });
      const descriptor = openSync(fresh(path), "wx", mode);
      writeSync(descriptor, text);
      fsyncSync(descriptor);
      closeSync(descriptor);
    }
    for (const { path } of files) renameSync(fresh(path), path);
  } catch (error) {
    throw failure(`A certificate cannot be written: ${errorText(error)}`);
  }
}

function fresh(path: string): string {
  return `${path}.new`;
}

function makeDirectory(directory: string): void {
  try {
    if (!existsSync(directory)) mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    throw failure(`${directory} cannot be made: ${errorText(error)}`);
  }
}

function readText(path: string, directory: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw failure(
      `${path} cannot be read: ${errorText(error)}`,
      `Name the directory of the CA with --dir (now ${directory}), or make one with atoll certs init.`,
    );
  }
}

function caKeyPath(directory: string): string {
  return join(directory, "ca.key");
}

function bundlePath(directory: string): string {
  return join(directory, "ca.crt");
}

export function failure(message: string, mend?: string): AtollError {
  return new AtollError("config-invalid", message, mend === undefined ? {} : { mend });
}
