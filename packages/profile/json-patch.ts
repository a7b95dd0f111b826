/** JSON Patch (RFC 6902) as it has been parsed: every pointer is one, every operation is complete. */
import type { JsonValue } from "./json.ts";

export type PatchOperation =
  | { readonly op: "add" | "replace" | "test"; readonly path: string; readonly value: JsonValue }
  | { readonly op: "remove"; readonly path: string }
  | { readonly op: "move" | "copy"; readonly path: string; readonly from: string };
