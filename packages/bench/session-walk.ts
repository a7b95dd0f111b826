/**
 * Clients that hop from region to region, and what they may never see.
 *
 * Some clients write counters of their own, one step up each time, in whatever region they happen to be;
 * all of them read everybody's. With a session token, whatever the regions and links do:
 *
 *     read your writes     one's own counter is never below what one wrote
 *     monotonic reads      no counter is ever below what one has read of it
 *     monotonic writes     seen by monotonic reads of others, since a counter only rises
 *     writes follow reads  a counter says what its writer had seen of the one before it: who reads the
 *                          first must then find the second at least there
 *
 * Without a token the same walk is allowed to see all of that, and on three regions that are apart it does:
 * so a walk that finds nothing has looked.
 */
import type { Random } from "@atoll/core";
import { must } from "@atoll/core";

export interface Violation {
  readonly step: number;
  readonly kind: "read-your-writes" | "monotonic-reads" | "writes-follow-reads";
  readonly region: string;
  readonly profile: string;
  readonly saw: number;
  readonly expected: number;
}

export interface WalkOptions {
  /** Where regions answer clients. */
  readonly regions: readonly { readonly name: string; readonly rest: string }[];
  readonly clients: number;
  readonly steps: number;
  readonly withToken: boolean;
  readonly random: Random;
  /** Before each step: cuts and heals links. */
  readonly before?: (step: number) => Promise<void>;
  /** Set apart the profiles of two walks. */
  readonly prefix: string;
}

export interface WalkResult {
  readonly steps: number;
  readonly reads: number;
  readonly writes: number;
  /** Answered by another region than the one that was asked. */
  readonly forwarded: number;
  /** Not answered with what was asked for: a region that is down, a session that nobody could serve. */
  readonly unanswered: number;
  readonly violations: readonly Violation[];
}

interface Client {
  readonly own: string;
  token: string | undefined;
  written: number;
  /** By profile, the most that was read or must have been seen. */
  readonly seen: Map<string, number>;
}

interface Counter {
  readonly n: number;
  /** What its writer had seen of the profile `of`. */
  readonly saw: number;
  readonly of: string;
}

export async function walk(options: WalkOptions): Promise<WalkResult> {
  const { regions, steps, withToken, random, before, prefix } = options;
  const clients = Array.from({ length: options.clients }, (_, i): Client => {
    return { own: `${prefix}-${i}`, token: undefined, written: 0, seen: new Map() };
  });
  const violations: Violation[] = [];
  const counts = { reads: 0, writes: 0, forwarded: 0, unanswered: 0 };

  for (let step = 0; step < steps; step++) {
    await before?.(step);
    const client = must(clients[random.below(clients.length)], "a client");
    const other = must(clients[random.below(clients.length)], "another client").own;
    const region = must(regions[random.below(regions.length)], "a region");
    const isWrite = random.below(3) === 0;
    const answer = await fetch(`${region.rest}/v1/profiles/${isWrite ? client.own : other}`, {
      ...(isWrite && { method: "PUT", body: bodyOf(client, other) }),
      headers: {
        prefer: "wait=0.5",
        ...(isWrite && { "content-type": "application/json" }),
        ...(withToken && client.token !== undefined && { "session-token": client.token }),
      },
    });
    const text = await answer.text();
    if (answer.headers.has("forwarded-by-region")) counts.forwarded++;
    if (!answer.ok && answer.status !== 404) {
      counts.unanswered++;
      continue;
    }
    if (withToken) client.token = answer.headers.get("session-token") ?? client.token;
    if (isWrite) {
      counts.writes++;
      client.written++;
      client.seen.set(client.own, client.written);
      continue;
    }
    counts.reads++;
    const counter = answer.ok ? counterOf(text) : { n: 0, saw: 0, of: other };
    const expected = client.seen.get(other) ?? 0;
    if (counter.n < expected) {
      const kind = other === client.own ? "read-your-writes" : kindOf(client, other);
      const where = { region: region.name, profile: other, saw: counter.n, expected };
      violations.push({ step, kind, ...where });
    }
    see(client, other, counter.n, false);
    see(client, counter.of, counter.saw, true);
  }
  return { steps, ...counts, violations };
}

/** Profiles that are known only by what another one said of them. */
const byHearsay = new WeakMap<Client, Set<string>>();

function see(client: Client, profile: string, n: number, isHearsay: boolean): void {
  if (n <= (client.seen.get(profile) ?? 0)) return;
  client.seen.set(profile, n);
  const heard = byHearsay.get(client) ?? new Set();
  byHearsay.set(client, heard);
  if (isHearsay) heard.add(profile);
  else heard.delete(profile);
}

function kindOf(client: Client, profile: string): Violation["kind"] {
  const isHearsay = byHearsay.get(client)?.has(profile) ?? false;
  return isHearsay ? "writes-follow-reads" : "monotonic-reads";
}

function bodyOf(client: Client, other: string): string {
  const saw = client.seen.get(other) ?? 0;
  return JSON.stringify({ attributes: { n: client.written + 1, saw, of: other } });
}

function counterOf(text: string): Counter {
  const { attributes } = JSON.parse(text) as { readonly attributes: Counter };
  return attributes;
}
