/**
 * Bodies compressed for those who take them so (RFC 9110, section 12.5.3).
 *
 * Never tiny ones: a profile is mostly smaller than what compression saves. A coded body is another
 * representation, so its ETag is a variant of the version's, which conditions cut off again.
 */
import { promisify } from "node:util";
import {
  brotliCompress,
  brotliCompressSync,
  constants,
  gzip,
  gzipSync,
  zstdCompress,
  zstdCompressSync,
} from "node:zlib";
import { limits } from "@atoll/core";
import { splitOutsideQuotes } from "./quoted-list.ts";

export type Coding = "zstd" | "br" | "gzip";

/** In the order of our liking, among those that a client likes equally. */
const CODINGS: readonly Coding[] = ["zstd", "br", "gzip"];
/** Quick and good enough: answers are made once for each request. */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };

/** Undefined: as it is. */
export function codingFor(acceptEncoding: string | undefined): Coding | undefined {
  if (acceptEncoding === undefined || acceptEncoding === "") return undefined;
  const weightByCoding = new Map<string, number>();
  for (const item of splitOutsideQuotes(acceptEncoding, ",")) {
    const [name = "", ...parameters] = splitOutsideQuotes(item, ";");
    const q = parameters.map((each) => /^q=(\d(?:\.\d{0,3})?)$/i.exec(each)?.[1]).find(Boolean);
    weightByCoding.set(name.toLowerCase(), q === undefined ? 1 : Number(q));
  }
  const weightOf = (coding: Coding): number =>
    weightByCoding.get(coding) ?? weightByCoding.get("*") ?? 0;
  const best = [...CODINGS].sort((a, b) => weightOf(b) - weightOf(a))[0];
  return best !== undefined && weightOf(best) > 0 ? best : undefined;
}

/** At once when it is small; on another thread, and later, when it is not. */
export function encode(body: Buffer, coding: Coding): Buffer | Promise<Buffer> {
  const isInline = body.length <= limits.ANSWER_COMPRESSED_INLINE_BYTES_MAX;
  switch (coding) {
    case "zstd":
      return isInline ? zstdCompressSync(body) : promisify(zstdCompress)(body);
    case "br":
      return isInline ? brotliCompressSync(body, BROTLI) : promisify(brotliCompress)(body, BROTLI);
    case "gzip":
      return isInline ? gzipSync(body) : promisify(gzip)(body);
  }
}
