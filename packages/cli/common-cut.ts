/**
 * A moment that several regions have all reached: where what they hold can be compared.
 *
 * One timestamp per region. What is written later lies above it in every region, so the regions need not be
 * asked at the same instant, nor be at rest.
 */
import { hlcToMs, mustHlc } from "@atoll/core";

export type Cut = Readonly<Record<string, number>>;

/** Per region the least that any of them holds. */
export function commonCut(held: readonly Cut[]): Cut {
  const names = new Set(held.flatMap((each) => Object.keys(each)));
  const least = [...names].sort().map((name) => {
    return [name, Math.min(...held.map((each) => each[name] ?? 0))] as const;
  });
  return Object.fromEntries(least.filter(([, hlc]) => hlc > 0));
}

export function covers(held: Cut, cut: Cut): boolean {
  return Object.entries(cut).every(([name, hlc]) => (held[name] ?? 0) >= hlc);
}

/** As the routes take it. */
export function cutText(cut: Cut): string {
  return Object.entries(cut)
    .map(([name, hlc]) => `${name}:${hlc}`)
    .join(",");
}

/** The milliseconds of a timestamp, for people. */
export function hlcTime(hlc: number): string {
  return new Date(hlcToMs(mustHlc(hlc))).toISOString();
}

/** `us-east-1 2026-01-01T00:00:00.000Z, …` */
export function cutTimes(cut: Cut): string {
  return Object.entries(cut)
    .map(([name, hlc]) => `${name} ${hlcTime(hlc)}`)
    .join(", ");
}
