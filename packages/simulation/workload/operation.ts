/**
 * What the clients of a run will do, as data: a list that can be stored, cut down and run again.
 *
 * Every operation says all it needs, so that any of them can be taken out and the rest still means the
 * same. The first letter of a profile's id says how it is used, and with it what can be checked of it:
 *
 *     o   owned     one session writes it, always with its token: its content is known exactly
 *     m   marks     many add members that nobody removes: what a session must see is known
 *     c   counter   many increment
 *     s   set       many add and remove single elements, each after a read, with If-Match
 *     f   free      anybody does anything: copies must agree, whatever it is
 */
import type { ProfileEdit } from "@atoll/profile";
import type { Durability } from "@atoll/replica";

export type Action =
  | { readonly kind: "read" }
  | { readonly kind: "edit"; readonly edit: ProfileEdit }
  /** Adds a member that names this operation to `marks`. */
  | { readonly kind: "mark"; readonly mark: string }
  /** Reads, then writes the set with one element more, if nobody wrote in between. */
  | { readonly kind: "set-add"; readonly element: string }
  /** Reads, then writes the set without one of those it has; `pick` says which. */
  | { readonly kind: "set-remove"; readonly pick: number }
  /** Writes only if the profile is not there. */
  | { readonly kind: "create"; readonly edit: ProfileEdit }
  /** Writes with a tag that was true once. */
  | { readonly kind: "stale-tag"; readonly edit: ProfileEdit };

export interface Operation {
  readonly kind: "operation";
  readonly atMs: number;
  /** Which client. */
  readonly session: number;
  /** Which region it asks, by its place in the config. */
  readonly region: number;
  readonly id: string;
  readonly action: Action;
  /** False: as a client without a session. */
  readonly usesToken: boolean;
  readonly waitMs: number;
  readonly handling: "strict" | "lenient";
  readonly durability?: Durability;
}

export type Usage = "owned" | "marks" | "counter" | "set" | "free";

const USAGES: Readonly<Record<string, Usage>> = {
  o: "owned",
  m: "marks",
  c: "counter",
  s: "set",
  f: "free",
};

export function usageOf(id: string): Usage {
  return USAGES[id.charAt(0)] ?? "free";
}
