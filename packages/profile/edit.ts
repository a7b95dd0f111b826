/**
 * What a client may ask of a profile, before anybody knows what it means for the document.
 *
 * One union for all formats of the wire: routes parse a body into an edit, `document` plans and
 * applies it. Batch, base-version edits and native operations join here.
 */
import type { JsonObject } from "./json.ts";

export type ProfileEdit =
  /** The desired state; missing fields go, differing ones change, equal ones leave no trace. */
  | { readonly kind: "put"; readonly value: JsonObject }
  /** RFC 7396: null removes, objects merge, anything else replaces. */
  | { readonly kind: "merge-patch"; readonly patch: JsonObject }
  /** Hides the profile; edits that did not know of it survive inside. */
  | { readonly kind: "delete" }
  /** Adds to a counter. `pointer`: RFC 6901; `by`: an integer. */
  | { readonly kind: "increment"; readonly pointer: string; readonly by: number };
