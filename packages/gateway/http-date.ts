/**
 * A time as HTTP writes it (RFC 9110 section 5.6.7): "Mon, 23 Nov 2026 05:21:02 GMT".
 *
 * As `toUTCString` does, but each day is spelt once: an answer tells when its profile was written last, and
 * to spell that from the beginning costs as much as a digest.
 */
import { limits } from "@atoll/core";

const DAY_MS = 86_400_000;
const DAY_CHARS = "Mon, 23 Nov 2026 ".length;

/** "00" … "59" */
const TWO_DIGITS = Array.from({ length: 60 }, (_, n) => String(n).padStart(2, "0"));

const textByDay = new Map<number, string>();

/** `ms`: since 1970, not in the future. */
export function httpDate(ms: number): string {
  const day = Math.floor(ms / DAY_MS);
  let text = textByDay.get(day);
  if (text === undefined) {
    text = new Date(ms).toUTCString().slice(0, DAY_CHARS);
    if (textByDay.size >= limits.DAYS_SPELT_MAX) textByDay.clear();
    textByDay.set(day, text);
  }
  const seconds = Math.floor((ms - day * DAY_MS) / 1_000);
  const [hour, minute] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
  return `${text}${TWO_DIGITS[hour]}:${TWO_DIGITS[minute]}:${TWO_DIGITS[seconds % 60]} GMT`;
}
