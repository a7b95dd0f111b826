/**
 * What a client may ask of a profile, before anybody knows what it means for the document.
 *
 * One union for all formats of the wire: routes parse a body into an edit, `document` plans and
 * applies it.
 */
import type { ChangeHash } from "@atoll/core";
import type { PatchOperation } from "./json-patch.ts";
import type { JsonObject } from "./json.ts";
import type { NativeOperation } from "./native-operation.ts";

export type ProfileEdit =
  /** The desired state; missing fields go, differing ones change, equal ones leave no trace. */
  | { readonly kind: "put"; readonly value: JsonObject }
  /** RFC 7396: null removes, objects merge, anything else replaces. */
  | { readonly kind: "merge-patch"; readonly patch: JsonObject }
  /** Hides the profile; edits that did not know of it survive inside. */
  | { readonly kind: "delete" }
  /** Adds to a counter. `pointer`: RFC 6901; `by`: an integer. */
  | { readonly kind: "increment"; readonly pointer: string; readonly by: number }
  /** RFC 6902: all operations or none. */
  | ({ readonly kind: "json-patch"; readonly operations: readonly PatchOperation[] } & Recreates)
  /** Intentions: all operations or none. */
  | ({ readonly kind: "operations"; readonly operations: readonly NativeOperation[] } & Recreates)
  /** An earlier version, or the named members of it, as a new change. Counters stay as they are. */
  | {
      readonly kind: "revert";
      readonly to: readonly ChangeHash[];
      readonly pointers?: readonly string[];
    };

interface Recreates {
  /** Starts from nothing, also where a deleted profile lies underneath. */
  readonly recreates?: boolean;
}
