/**
 * What the two ends of a link show each other: mutual TLS 1.3 with the cluster's own CA.
 *
 * Who a peer is, is the region in its certificate (core/region-uri.ts), not the host it was reached at:
 * addresses move, are shared and are proxied, and a certificate that was good for "whoever answers at
 * this address" would let any region of the cluster answer as any other.
 */
import type { X509Certificate } from "node:crypto";
import { constants } from "node:crypto";
import type { RegionName } from "@atoll/core";
import { parseRegionUri } from "@atoll/core";

/** PEM texts, checked by whoever read them. */
export interface LinkTls {
  readonly clusterId: string;
  /** One CA, or the old and the new one while they are being exchanged. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** For both ends, and for `setSecureContext`, which forgets what it is not told again. */
export function secureContextOf({ ca, cert, key }: LinkTls) {
  return {
    ca,
    cert,
    key,
    minVersion: "TLSv1.3",
    // A resumed session is not verified again, and would outlive the CA or certificate it came from.
    secureOptions: constants.SSL_OP_NO_TICKET,
  } as const;
}

/**
 * The region that a certificate names. Undefined for a certificate of another cluster, of no region,
 * or of several: who is everybody is nobody.
 */
export function regionOfCertificate(
  certificate: Pick<X509Certificate, "subjectAltName">,
  clusterId: string,
): RegionName | undefined {
  // Node escapes a comma inside a name, so that one name cannot look like two.
  const names = certificate.subjectAltName?.split(", ") ?? [];
  const regions = names
    .filter((name) => name.startsWith("URI:"))
    .map((name) => parseRegionUri(name.slice("URI:".length), clusterId))
    .filter((region) => region !== undefined);
  return regions.length === 1 ? regions[0] : undefined;
}
