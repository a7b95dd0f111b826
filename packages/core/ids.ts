/**
 * Names of things, each with a type of its own, parsed once at the edge.
 *
 *     ProfileId   what the client calls a profile            "B000944", of another tenant "acme/B000944"
 *     DocId       16 bytes, UUIDv8 of SHA-256(tenant 0 id)   what replicas call it
 *     RegionCode  1 … 63, given by the cluster's config      0 is never a region
 *     Origin      one incarnation of one region's database   52 bits, see below
 *
 *     Origin = region code 6 | incarnation 14 | random 32
 *
 * An origin is a writer that numbers its entries 1, 2, 3 … in every shard. The incarnation is counted
 * so that people can read it; the random part is there because counting is not enough: a database
 * file and its clone would both count to the same next number, and two writers with one name is the
 * one fault that a log of sequence numbers cannot survive.
 */
import { hash } from "node:crypto";
import { assert } from "./assert.ts";
import type { Random } from "./random.ts";

declare const brand: unique symbol;
type Brand<T, Name extends string> = T & { readonly [brand]: Name };

export type ProfileId = Brand<string, "ProfileId">;
export type Tenant = Brand<string, "Tenant">;
export type RegionName = Brand<string, "RegionName">;
export type RegionCode = Brand<number, "RegionCode">;
export type Origin = Brand<number, "Origin">;
/** 16 bytes. */
export type DocId = Brand<Uint8Array, "DocId">;
/** 32 bytes: SHA-256 of the change's chunk, the name that Automerge gives it. */
export type ChangeHash = Brand<Uint8Array, "ChangeHash">;
/** A document's id as a key of a Map: a character for each byte, in the order of the bytes. Nobody reads it. */
export type DocKey = Brand<string, "DocKey">;

export const DEFAULT_TENANT = "default" as Tenant;

/** Of the regions' own canaries: no client's, whatever a credential says. */
export const CANARY_TENANT = "atoll-canary" as Tenant;

const PROFILE_ID = /^[A-Za-z0-9][A-Za-z0-9._:~-]{0,127}$/;
const TENANT = /^[a-z0-9][a-z0-9-]{0,62}$/;
const REGION_NAME = /^[a-z][a-z0-9-]{0,31}$/;
const ORIGIN_RANDOM_SPAN = 2 ** 32;
const ORIGIN_INCARNATION_SPAN = 2 ** 14;
export const REGION_CODE_MAX = 63;

export function parseProfileId(text: string): ProfileId | undefined {
  return PROFILE_ID.test(text) ? (text as ProfileId) : undefined;
}

export function mustProfileId(text: string): ProfileId {
  const id = parseProfileId(text);
  assert(id !== undefined, `${text} is the id of a profile`);
  return id;
}

/**
 * A client's id as replicas keep it: with the tenant in front, unless that is the default one. A client's
 * own id has no slash, so two tenants never meet in one text.
 */
export function profileOf(tenant: Tenant, id: ProfileId): ProfileId {
  return tenant === DEFAULT_TENANT ? id : (`${tenant}/${id}` as ProfileId);
}

/** The tenant, and the id as its clients know it. */
export function splitProfileId(id: ProfileId): { readonly tenant: Tenant; readonly id: ProfileId } {
  const at = id.indexOf("/");
  if (at < 0) return { tenant: DEFAULT_TENANT, id };
  return { tenant: id.slice(0, at) as Tenant, id: id.slice(at + 1) as ProfileId };
}

/** For ids from disk. */
export function parseKeptProfileId(text: string): ProfileId | undefined {
  const { tenant, id } = splitProfileId(text as ProfileId);
  if (parseTenant(tenant) === undefined || parseProfileId(id) === undefined) return undefined;
  return profileOf(tenant, id) === text ? (text as ProfileId) : undefined;
}

export function parseTenant(text: unknown): Tenant | undefined {
  return typeof text === "string" && TENANT.test(text) ? (text as Tenant) : undefined;
}

/** For credentials: undefined also for a tenant that nobody may be. */
export function parseClientTenant(text: unknown): Tenant | undefined {
  const tenant = parseTenant(text);
  return tenant === CANARY_TENANT ? undefined : tenant;
}

export function parseRegionName(text: string): RegionName | undefined {
  return REGION_NAME.test(text) ? (text as RegionName) : undefined;
}

export function parseRegionCode(value: number): RegionCode | undefined {
  return Number.isInteger(value) && value >= 1 && value <= REGION_CODE_MAX
    ? (value as RegionCode)
    : undefined;
}

export function parseDocId(bytes: Uint8Array): DocId | undefined {
  return bytes.length === 16 ? (bytes as DocId) : undefined;
}

export function mustDocId(bytes: Uint8Array): DocId {
  assert(bytes.length === 16, `a document id has 16 bytes, not ${bytes.length}`);
  return bytes as DocId;
}

export function mustChangeHash(bytes: Uint8Array): ChangeHash {
  assert(bytes.length === 32, `a change hash has 32 bytes, not ${bytes.length}`);
  return bytes as ChangeHash;
}

/** The document of a profile, the same in every region without asking anybody. */
export function docIdOf(profile: ProfileId): DocId {
  const { tenant, id } = splitProfileId(profile);
  const bytes = fromHex(hash("sha256", `${tenant}\0${id}`, "hex").slice(0, 32));
  bytes[6] = 0x80 | ((bytes[6] ?? 0) & 0x0f); // version 8, RFC 9562 section 5.8
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f); // variant
  return bytes as DocId;
}

export function docKeyOf(docId: DocId): DocKey {
  return keyOf(docId) as DocKey;
}

export function docIdOfKey(key: DocKey): DocId {
  return mustDocId(new Uint8Array(Buffer.from(key, "latin1")));
}

/** A change's name as a key of a Map, in the same way. */
export function changeKeyOf(change: ChangeHash): string {
  return keyOf(change);
}

/** Asked for many times with every entry: by no call that leaves JavaScript, and without a buffer. */
function keyOf(name: Uint8Array): string {
  return String.fromCharCode.apply(null, name as unknown as number[]);
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}

/** In JavaScript: most are names of 32 bytes that are one and the same, or differ in the first. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

export function fromHex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "hex"));
}

/** A UUIDv7 (RFC 9562 section 5.7) for a profile whose client chose no id. */
export function newProfileId(nowMs: number, random: Random): ProfileId {
  const bytes = random.bytes(16);
  let rest = nowMs;
  for (let i = 5; i >= 0; i--) {
    bytes[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  const hex = toHex(bytes);
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20)];
  return `${parts.join("-")}-${hex.slice(20)}` as ProfileId;
}

export function newOrigin(region: RegionCode, incarnation: number, random: Random): Origin {
  assert(incarnation >= 0 && incarnation < ORIGIN_INCARNATION_SPAN, "incarnations are used up");
  return ((region * ORIGIN_INCARNATION_SPAN + incarnation) * ORIGIN_RANDOM_SPAN +
    random.u32()) as Origin;
}

/** For numbers from disk or the wire; undefined when no region could have made it. */
export function parseOrigin(value: number): Origin | undefined {
  if (!Number.isSafeInteger(value) || value < 0) return undefined;
  const code = Math.floor(value / ORIGIN_RANDOM_SPAN / ORIGIN_INCARNATION_SPAN);
  return parseRegionCode(code) === undefined ? undefined : (value as Origin);
}

export function originRegion(origin: Origin): RegionCode {
  return Math.floor(origin / ORIGIN_RANDOM_SPAN / ORIGIN_INCARNATION_SPAN) as RegionCode;
}

export function originIncarnation(origin: Origin): number {
  return Math.floor(origin / ORIGIN_RANDOM_SPAN) % ORIGIN_INCARNATION_SPAN;
}

/** Readable form, as logs and status show it: region code, incarnation, random part. */
export function originText(origin: Origin): string {
  const random = (origin % ORIGIN_RANDOM_SPAN).toString(16).padStart(8, "0");
  return `${originRegion(origin)}.${originIncarnation(origin)}.${random}`;
}
