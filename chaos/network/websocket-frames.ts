/**
 * WebSocket frames in a stream of bytes (RFC 6455, section 5.2), found without understanding them.
 *
 *     byte 0    FIN, reserved, opcode          1 text, 2 binary, 8 close, 9 ping, 10 pong
 *     byte 1    MASK, length                   126: 16 bits follow, 127: 64 bits follow
 *     4 bytes   masking key, where MASK is set
 *     payload
 *
 * A frame is handed out whole, with its header, so that it can be sent again, later or not at all and the
 * stream stays a stream of frames. What comes before the first is the HTTP upgrade.
 */

export interface Frame {
  readonly opcode: number;
  /** Header and payload as they came. */
  readonly bytes: Buffer;
  readonly headerBytes: number;
}

export const BINARY_OPCODE = 2;
const END_OF_UPGRADE = Buffer.from("\r\n\r\n");

export class FrameSplitter {
  #rest: Buffer = Buffer.alloc(0);
  /** What came after `#rest`, in pieces: a large frame is joined once, and not with every piece of it. */
  #more: Buffer[] = [];
  #length = 0;
  /** Bytes that the frame in front has, as far as is known. */
  #needed = 0;
  #isUpgraded = false;

  /** What is complete now: frames, and before the first of them the upgrade as bytes. */
  *take(chunk: Buffer): Generator<Frame | Buffer> {
    this.#more.push(chunk);
    this.#length += chunk.length;
    if (this.#length < this.#needed) return;
    this.#join();
    if (!this.#isUpgraded) {
      const at = this.#rest.indexOf(END_OF_UPGRADE);
      if (at < 0) return;
      this.#isUpgraded = true;
      yield this.#cut(at + END_OF_UPGRADE.length);
    }
    for (let size = frameSize(this.#rest); size !== undefined; size = frameSize(this.#rest)) {
      this.#needed = size.headerBytes + size.payloadBytes;
      if (this.#length < this.#needed) return;
      const bytes = this.#cut(this.#needed);
      this.#needed = 0;
      yield { opcode: (bytes[0] ?? 0) & 0x0f, bytes, headerBytes: size.headerBytes };
    }
  }

  /** What never became a frame. */
  end(): Buffer {
    this.#join();
    return this.#cut(this.#length);
  }

  #join(): void {
    this.#rest =
      this.#rest.length === 0 && this.#more.length === 1
        ? (this.#more[0] ?? this.#rest)
        : Buffer.concat([this.#rest, ...this.#more]);
    this.#more = [];
  }

  #cut(length: number): Buffer {
    const cut = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    this.#length -= length;
    return cut;
  }
}

/** Undefined while the header is not complete. */
function frameSize(
  bytes: Buffer,
): { readonly headerBytes: number; readonly payloadBytes: number } | undefined {
  const second = bytes[1];
  if (second === undefined) return undefined;
  const maskBytes = (second & 0x80) === 0 ? 0 : 4;
  const short = second & 0x7f;
  const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
  const headerBytes = 2 + lengthBytes + maskBytes;
  if (bytes.length < headerBytes) return undefined;
  const payloadBytes =
    lengthBytes === 0
      ? short
      : lengthBytes === 2
        ? bytes.readUInt16BE(2)
        : Number(bytes.readBigUInt64BE(2));
  return { headerBytes, payloadBytes };
}

/** The same frame with a shorter payload. */
export function truncated(frame: Frame, payloadBytes: number): Buffer {
  const first = frame.bytes[0] ?? 0;
  const isMasked = ((frame.bytes[1] ?? 0) & 0x80) !== 0;
  const mask = isMasked
    ? frame.bytes.subarray(frame.headerBytes - 4, frame.headerBytes)
    : Buffer.alloc(0);
  const maskBit = isMasked ? 0x80 : 0;
  let head: Buffer;
  if (payloadBytes < 126) head = Buffer.from([first, maskBit | payloadBytes]);
  else if (payloadBytes < 65_536) {
    head = Buffer.from([first, maskBit | 126, payloadBytes >> 8, payloadBytes & 0xff]);
  } else {
    head = Buffer.alloc(10);
    head[0] = first;
    head[1] = maskBit | 127;
    head.writeBigUInt64BE(BigInt(payloadBytes), 2);
  }
  const payload = frame.bytes.subarray(frame.headerBytes, frame.headerBytes + payloadBytes);
  return Buffer.concat([head, mask, payload]);
}
