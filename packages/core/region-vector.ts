/**
 * One timestamp per region: "everything that region r wrote up to t".
 *
 * The same vector says what a replica holds (its coverage), what a session has seen (its token), what
 * a write depends on, and where anti-entropy compares. Missing components are zero. Vectors form a
 * lattice under `joinVectors`; regions that this replica does not know are kept and passed through.
 */
import type { ByteReader, ByteWriter } from "./byte-stream.ts";
import { ByteStreamError } from "./byte-stream.ts";
import type { Hlc } from "./hlc.ts";
import { HLC_ZERO, parseHlc } from "./hlc.ts";
import type { RegionCode } from "./ids.ts";
import { REGION_CODE_MAX, parseRegionCode } from "./ids.ts";

export type RegionVector = ReadonlyMap<RegionCode, Hlc>;

export const VECTOR_ZERO: RegionVector = new Map();

export function vectorAt(vector: RegionVector, region: RegionCode): Hlc {
  return vector.get(region) ?? HLC_ZERO;
}

/** The least vector that is at or above both: component-wise maximum. */
export function joinVectors(a: RegionVector, b: RegionVector): RegionVector {
  if (b.size === 0) return a;
  if (a.size === 0) return b;
  let joined: Map<RegionCode, Hlc> | undefined;
  for (const [region, hlc] of b) {
    if (hlc > vectorAt(a, region)) (joined ??= new Map(a)).set(region, hlc);
  }
  return joined ?? a;
}

/** The least vector at or above `vector` whose component of one region is at least `hlc`. */
export function raiseVector(vector: RegionVector, region: RegionCode, hlc: Hlc): RegionVector {
  return hlc > vectorAt(vector, region) ? new Map(vector).set(region, hlc) : vector;
}

/** Regions in which `have` lies below `need`; empty when it covers it. */
export function missingRegions(have: RegionVector, need: RegionVector): RegionCode[] {
  const missing: RegionCode[] = [];
  for (const [region, hlc] of need) if (hlc > vectorAt(have, region)) missing.push(region);
  return missing;
}

/** count u8, then (region u8, hlc varint) in ascending order of region. */
export function writeVector(writer: ByteWriter, vector: RegionVector): void {
  writer.u8(vector.size);
  const components = vector.size < 2 ? vector : [...vector].sort(([a], [b]) => a - b);
  for (const [region, hlc] of components) writer.u8(region).varint(hlc);
}

/** Throws `ByteStreamError` for anything `writeVector` would not have written. */
export function readVector(reader: ByteReader): RegionVector {
  const count = reader.u8();
  if (count > REGION_CODE_MAX) throw new ByteStreamError("more components than regions");
  const vector = new Map<RegionCode, Hlc>();
  let previous = 0;
  for (let i = 0; i < count; i++) {
    const region = parseRegionCode(reader.u8());
    const hlc = parseHlc(reader.varint());
    if (region === undefined || hlc === undefined || region <= previous) {
      throw new ByteStreamError("not a region vector");
    }
    previous = region;
    vector.set(region, hlc);
  }
  return vector;
}
