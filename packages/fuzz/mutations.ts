/** Small changes to bytes and to JSON: what all targets share of being malicious. */
import type { Random } from "@atoll/core";
import type { JsonValue } from "@atoll/profile";
import { isJsonArray, isJsonObject } from "@atoll/profile";

/** Numbers at which lengths and counts break: ends of LEB128 groups, of words, and of patience. */
const EDGES = [0, 1, 0x7f, 0x80, 0xff] as const;
const LONG_VARINTS = [
  Uint8Array.of(0xff, 0xff, 0x7f),
  Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f),
  Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f),
  Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01),
];
const SPAN_MAX = 64;
/** Longer texts are not repeated any more: beyond any bound there is nothing new. */
const GROWN_CHARS_MAX = 100_000;

export function mutateBytes(input: Uint8Array, random: Random, other = input): Uint8Array {
  let bytes: Buffer = Buffer.from(input);
  for (let times = 1 + random.below(3); times > 0; times--) bytes = changed(bytes, random, other);
  return bytes;
}

function changed(bytes: Buffer, random: Random, other: Uint8Array): Buffer {
  const at = random.below(bytes.length + 1);
  const span = Math.min(bytes.length - at, 1 + random.below(SPAN_MAX));
  const splice = (count: number, put: Uint8Array): Buffer =>
    Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + count)]);
  switch (random.below(8)) {
    case 0:
      return at === bytes.length
        ? bytes
        : splice(1, Uint8Array.of(bytes[at]! ^ (1 << random.below(8))));
    case 1:
      return splice(Math.min(1, span), Uint8Array.of(EDGES[random.below(EDGES.length)] ?? 0));
    case 2:
      return splice(Math.min(1, span), LONG_VARINTS[random.below(LONG_VARINTS.length)]!);
    case 3:
      return splice(span, new Uint8Array());
    case 4:
      return splice(0, bytes.subarray(at, at + span));
    case 5:
      return splice(0, random.bytes(span + 1));
    case 6: {
      const from = random.below(other.length + 1);
      return splice(span, other.subarray(from, from + SPAN_MAX));
    }
    default:
      return at === bytes.length ? bytes : splice(1, Uint8Array.of((bytes[at]! + 1) & 0xff));
  }
}

const HOSTILE: readonly JsonValue[] = [
  null,
  true,
  0,
  -1,
  1e308,
  -0.0,
  2 ** 53,
  "",
  "\u0000",
  "\ud800",
  "../..",
  "/stats/followers",
  "/interests/-",
  "x".repeat(5_000),
  [],
  {},
  [[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]],
  { $meta: 1 },
  { op: "test", path: "", value: null },
];
const HOSTILE_KEYS = [
  "",
  "__proto__",
  "constructor",
  "toString",
  "a/b",
  "~0",
  "~2",
  "\u0000",
  "id",
  "op",
];

/** A change somewhere inside; sometimes of the text itself, which is then no JSON any more. */
export function mutateJson(input: Uint8Array, random: Random): Uint8Array {
  if (random.below(8) === 0) return mutateBytes(input, random);
  let value: JsonValue;
  try {
    value = JSON.parse(Buffer.from(input).toString()) as JsonValue;
  } catch {
    return mutateBytes(input, random);
  }
  for (let times = 1 + random.below(3); times > 0; times--) value = changedJson(value, random);
  return Buffer.from(JSON.stringify(value));
}

function changedJson(value: JsonValue, random: Random): JsonValue {
  const hostile = HOSTILE[random.below(HOSTILE.length)] ?? null;
  if (isJsonArray(value) && random.below(4) > 0) {
    const items = [...value];
    const at = random.below(items.length + 1);
    const act = random.below(4);
    if (act === 0 || at === items.length) items.splice(at, 0, hostile);
    else if (act === 1)
      items.splice(at, 0, ...new Array<JsonValue>(random.below(200)).fill(items[at]!));
    else if (act === 2) items.splice(at, 1);
    else items[at] = changedJson(items[at]!, random);
    return items;
  }
  if (isJsonObject(value) && random.below(6) > 0) {
    const members = Object.entries(value);
    const at = random.below(members.length + 1);
    const member = members[at];
    const key = HOSTILE_KEYS[random.below(HOSTILE_KEYS.length)] ?? "";
    if (member === undefined) members.push([key, hostile]);
    else if (random.below(5) === 0) members.splice(at, 1);
    else if (random.below(3) === 0) members[at] = [key, member[1]];
    else members[at] = [member[0], changedJson(member[1], random)];
    return Object.fromEntries(members);
  }
  if (typeof value === "number" && random.below(2) === 0)
    return value * [-1, 10, 1e9, 0.5][random.below(4)]!;
  if (typeof value === "string" && value.length <= GROWN_CHARS_MAX && random.below(2) === 0) {
    return value.repeat(1 + random.below(50));
  }
  return hostile;
}
