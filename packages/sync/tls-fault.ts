/**
 * Why a link got no further than TLS, in words that name the mend.
 *
 * OpenSSL speaks of leaf signatures and wrong version numbers, and a peer that refuses a certificate
 * in TLS 1.3 merely hangs up. An operator needs to know which end has to change what.
 */
import { errorText } from "@atoll/core";

export type TlsFaultCode =
  | "no-certificate"
  | "untrusted"
  | "expired"
  | "not-yet-valid"
  | "no-region"
  | "not-tls"
  | "not-plain"
  | "refused-by-peer"
  | "handshake";

export interface TlsFault {
  readonly code: TlsFaultCode;
  readonly detail: string;
}

const DETAIL_BY_CODE: Readonly<Record<TlsFaultCode, string>> = {
  "no-certificate": "the peer shows no certificate",
  untrusted: "the peer's certificate is not signed by a CA of tls.ca, or not made for links",
  expired: "the peer's certificate, or the CA that signed it, has expired",
  "not-yet-valid": "the peer's certificate is not valid yet: compare the clocks",
  "no-region": "the peer's certificate names no region of this cluster",
  "not-tls": "the peer speaks no TLS 1.3: both ends need tls, and wss:// in peers",
  "not-plain":
    "no WebSocket answered: if that region has tls, dial it with wss:// and set tls here",
  "refused-by-peer":
    "the peer hung up in the TLS handshake, as one does that refuses our certificate; its log says why",
  handshake: "the TLS handshake failed",
};

export function tlsFault(code: TlsFaultCode, detail = DETAIL_BY_CODE[code]): TlsFault {
  return { code, detail };
}

/** The code of the error with which a dialler refuses a certificate that OpenSSL believes. */
const NO_REGION = "ATOLL_NO_REGION";

export class NoRegionError extends Error {
  readonly code = NO_REGION;
}

const CODE_BY_OPENSSL: Readonly<Record<string, TlsFaultCode>> = {
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: "no-certificate",
  CERT_HAS_EXPIRED: "expired",
  CERT_NOT_YET_VALID: "not-yet-valid",
  CERT_SIGNATURE_FAILURE: "untrusted",
  CERT_UNTRUSTED: "untrusted",
  DEPTH_ZERO_SELF_SIGNED_CERT: "untrusted",
  INVALID_CA: "untrusted",
  INVALID_PURPOSE: "untrusted",
  SELF_SIGNED_CERT_IN_CHAIN: "untrusted",
  UNABLE_TO_GET_ISSUER_CERT: "untrusted",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "untrusted",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "untrusted",
  [NO_REGION]: "no-region",
  ERR_SSL_HTTP_REQUEST: "not-tls",
  ERR_SSL_UNSUPPORTED_PROTOCOL: "not-tls",
  ERR_SSL_WRONG_VERSION_NUMBER: "not-tls",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "not-tls",
};

/** What a listener could not accept. `verdict`: why it did not believe the certificate, if it saw one. */
export function acceptFault(error: unknown, verdict: string | undefined): TlsFault | undefined {
  const openssl = verdict ?? codeOf(error);
  const code = CODE_BY_OPENSSL[openssl];
  if (code !== undefined) return tlsFault(code);
  if (openssl === "ECONNRESET") return undefined; // came and went: a probe, or a peer that was stopped
  return tlsFault("handshake", `${DETAIL_BY_CODE.handshake}: ${openssl}`);
}

/** Why a dial failed, when TLS or the lack of it may be the reason; undefined otherwise. */
export function dialFault(error: unknown, isTls: boolean): TlsFault | undefined {
  const openssl = codeOf(error);
  const code = CODE_BY_OPENSSL[openssl];
  if (code !== undefined) return tlsFault(code);
  if (!isTls)
    return openssl === "ECONNRESET" || openssl.startsWith("HPE_")
      ? tlsFault("not-plain")
      : undefined;
  if (openssl === "ECONNRESET" || openssl.includes("_ALERT_")) return tlsFault("refused-by-peer");
  if (openssl.startsWith("ERR_SSL_"))
    return tlsFault("handshake", `${DETAIL_BY_CODE.handshake}: ${openssl}`);
  return undefined;
}

function codeOf(error: unknown): string {
  // What answers a TLS greeting in plain text: told in the message alone.
  if (/wrong version number/.test(errorText(error))) return "ERR_SSL_WRONG_VERSION_NUMBER";
  return error instanceof Error && "code" in error && typeof error.code === "string"
    ? error.code
    : "";
}
