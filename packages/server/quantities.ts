/**
 * Durations and sizes as an operator writes them: `90m`, `24h`, `7d`; `512MiB`, `20GiB`, or plain bytes.
 *
 * A number without a unit is a size in bytes and never a duration: everybody means another unit by it.
 */
const MS_BY_UNIT: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 24 * 3_600_000,
};
const BYTES_BY_UNIT: Readonly<Record<string, number>> = {
  "": 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
};

/** Milliseconds; undefined for anything else than a whole number and one of s, m, h, d. */
export function parseDuration(text: string): number | undefined {
  return quantity(text, MS_BY_UNIT);
}

/** Bytes; undefined for anything else than a whole number and none or one of KiB, MiB, GiB. */
export function parseSize(value: string | number): number | undefined {
  return quantity(String(value), BYTES_BY_UNIT);
}

function quantity(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const match = /^(\d+)([A-Za-z]*)$/.exec(text);
  const unit = units[match?.[2] ?? "none"];
  const value = unit === undefined ? NaN : Number(match?.[1]) * unit;
  return Number.isSafeInteger(value) ? value : undefined;
}
