/**
 * The second door: chance.
 *
 * Production draws from the operating system, tests and the simulator from a seed. Nothing else in
 * the house may call a random source, because a failure that cannot be repeated cannot be mended.
 */
import { randomBytes, createHash } from "node:crypto";
import { must } from "./assert.ts";

export interface Random {
  /** Uniform over 0 … 2^32 − 1. */
  u32(): number;
  /** Uniform over [0, 1). */
  float(): number;
  /** Uniform over 0 … below − 1; `below` ≥ 1. */
  below(below: number): number;
  bytes(count: number): Uint8Array;
  /** An independent stream, the same for the same label: adding one consumer moves no other. */
  fork(label: string): Random;
}

abstract class RandomBase {
  abstract u32(): number;

  float(): number {
    return this.u32() / 0x1_0000_0000;
  }

  below(below: number): number {
    return Math.floor(this.float() * below);
  }
}

/** Asking the operating system costs the same for one byte and for a page. */
const POOL_BYTES = 4096;

class SystemRandom extends RandomBase implements Random {
  #pool = Buffer.alloc(0);

  u32(): number {
    return this.#take(4).readUInt32LE(0);
  }

  bytes(count: number): Uint8Array {
    return new Uint8Array(count > POOL_BYTES / 16 ? randomBytes(count) : this.#take(count));
  }

  /** Fresh bytes, to be copied at once: nothing is given twice. */
  #take(count: number): Buffer {
    if (this.#pool.length < count) this.#pool = randomBytes(POOL_BYTES);
    const taken = this.#pool.subarray(0, count);
    this.#pool = this.#pool.subarray(count);
    return taken;
  }

  fork(_label: string): Random {
    return this;
  }
}

export const systemRandom: Random = new SystemRandom();

/** xoshiro128** (Blackman and Vigna, 2018): 128 bits of state, fast, and the same everywhere. */
export class SeededRandom extends RandomBase implements Random {
  readonly #seed: string;
  readonly #state: Uint32Array;

  constructor(seed: string | number) {
    super();
    this.#seed = String(seed);
    const digest = createHash("sha256").update(this.#seed).digest();
    this.#state = new Uint32Array(4);
    for (let i = 0; i < 4; i++) this.#state[i] = digest.readUInt32LE(i * 4);
    if (this.#state.every((word) => word === 0)) this.#state[0] = 1; // the one state it never leaves
  }

  u32(): number {
    const s = this.#state;
    const s0 = must(s[0], "state");
    const s1 = must(s[1], "state");
    const s2 = must(s[2], "state") ^ s0;
    const s3 = must(s[3], "state") ^ s1;
    const result = Math.imul(rotateLeft(Math.imul(s1, 5), 7), 9) >>> 0;
    s[1] = s1 ^ s2;
    s[0] = s0 ^ s3;
    s[2] = s2 ^ (s1 << 9);
    s[3] = rotateLeft(s3, 11);
    return result;
  }

  bytes(count: number): Uint8Array {
    const out = new Uint8Array(count);
    for (let i = 0; i < count; i++) out[i] = this.u32() & 0xff;
    return out;
  }

  fork(label: string): Random {
    return new SeededRandom(`${this.#seed}/${label}`);
  }
}

function rotateLeft(word: number, bits: number): number {
  return ((word << bits) | (word >>> (32 - bits))) >>> 0;
}
