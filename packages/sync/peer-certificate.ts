/**
 * What the two ends of a link show each other: mutual TLS 1.3 with the cluster's own CA.
 *
 * Who a peer is, is the region in its certificate (core/region-uri.ts), not the host it was reached at:
 * addresses move, are shared and are proxied, and a certificate that was good for "whoever answers at
 * this address" would let any region of the cluster answer as any other.
 */
import { constants } from "node:crypto";

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
