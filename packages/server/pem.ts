/**
 * Certificates and keys as files hold them, read one way by whoever makes them and whoever uses them: a
 * bundle that the command accepts and a region refuses would be found out on the day of a rotation.
 */
import type { KeyObject } from "node:crypto";
import { X509Certificate, createPrivateKey } from "node:crypto";

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** None at all when one of them cannot be read: half a bundle would be trusted by half the regions. */
export function parseCertificates(text: string): X509Certificate[] {
  try {
    return [...text.matchAll(CERTIFICATE)].map(([pem]) => new X509Certificate(pem));
  } catch {
    return [];
  }
}

/** Undefined when it is none, or needs a passphrase. */
export function parsePrivateKey(text: string): KeyObject | undefined {
  try {
    return createPrivateKey(text);
  } catch {
    return undefined;
  }
}
