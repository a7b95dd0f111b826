/**
 * What a session has seen, in a header.
 *
 *     token = base64url( version 1 | cluster tag 2 | count u8 | count × (region u8, hlc 7) | mac 8 )
 *
 * 48 characters for three regions, of constant size however many profiles were touched. The code (HMAC-
 * SHA-256, cut to 8 bytes) keeps clients from inventing a future that no region could ever satisfy;
 * MongoDB signs its cluster times for the same reason. Regions that this replica does not know pass
 * through unharmed.
 */
import { timingSafeEqual } from "node:crypto";
import type { Cluster, Hlc, RegionCode, RegionVector } from "@atoll/core";
import { REGION_CODE_MAX, fromHex, limits, must, parseHlc, parseRegionCode } from "@atoll/core";
import { MessageCode } from "./message-code.ts";

const VERSION = 1;
const HEAD_BYTES = 4;
const COMPONENT_BYTES = 8;
const MAC_BYTES = 8;
const MESSAGE_BYTES_MAX = HEAD_BYTES + REGION_CODE_MAX * COMPONENT_BYTES;

export type ParsedToken =
  | { readonly kind: "vector"; readonly vector: RegionVector }
  | { readonly kind: "fault"; readonly reason: string };

export class SessionTokens {
  readonly #code: MessageCode;
  readonly #tag: Uint8Array;

  constructor(cluster: Cluster) {
    this.#code = new MessageCode(cluster.keys.tokenKey, MESSAGE_BYTES_MAX);
    this.#tag = fromHex(this.#code.of(Buffer.from("cluster tag"))).subarray(0, 2);
  }

  encode(vector: RegionVector): string {
    const components = [...vector].sort(([a], [b]) => a - b);
    const length = HEAD_BYTES + components.length * COMPONENT_BYTES;
    const bytes = Buffer.allocUnsafe(length + MAC_BYTES);
    bytes[0] = VERSION;
    bytes.set(this.#tag, 1);
    bytes[3] = components.length;
    let offset = HEAD_BYTES;
    for (const [region, hlc] of components) {
      bytes[offset] = region;
      bytes[offset + 1] = Math.floor(hlc / 2 ** 48);
      bytes.writeUIntBE(hlc % 2 ** 48, offset + 2, 6);
      offset += COMPONENT_BYTES;
    }
    bytes.write(this.#mac(bytes.subarray(0, length)), length, "hex");
    return bytes.toString("base64url");
  }

  parse(token: string): ParsedToken {
    if (token.length > limits.SESSION_TOKEN_CHARS_MAX) return fault("too long");
    if (!/^[A-Za-z0-9_-]+$/.test(token)) return fault("not base64url");
    const bytes = Buffer.from(token, "base64url");
    const count = bytes[3] ?? 0;
    const length = HEAD_BYTES + count * COMPONENT_BYTES;
    if (bytes.length !== length + MAC_BYTES || bytes[0] !== VERSION) return fault("malformed");
    if (!timingSafeEqual(bytes.subarray(1, 3), this.#tag)) return fault("from another cluster");
    if (!timingSafeEqual(bytes.subarray(length), fromHex(this.#mac(bytes.subarray(0, length))))) {
      return fault("not issued by this cluster");
    }
    const vector = vectorIn(bytes);
    return vector === undefined ? fault("malformed") : { kind: "vector", vector };
  }

  /** What a token says that was made here and has been nowhere else since. */
  vectorOf(token: string): RegionVector {
    return must(vectorIn(Buffer.from(token, "base64url")), "a token of our own");
  }

  /** In hexadecimal digits. */
  #mac(bytes: Uint8Array): string {
    return this.#code.of(bytes).slice(0, 2 * MAC_BYTES);
  }
}

function vectorIn(bytes: Buffer): RegionVector | undefined {
  const vector = new Map<RegionCode, Hlc>();
  const end = bytes.length - MAC_BYTES;
  for (let offset = HEAD_BYTES; offset < end; offset += COMPONENT_BYTES) {
    const region = parseRegionCode(bytes.readUInt8(offset));
    const high = bytes.readUInt8(offset + 1) * 2 ** 48;
    const hlc = parseHlc(high + bytes.readUIntBE(offset + 2, 6));
    if (region === undefined || hlc === undefined) return undefined;
    vector.set(region, hlc);
  }
  return vector;
}

function fault(reason: string): ParsedToken {
  return { kind: "fault", reason };
}
