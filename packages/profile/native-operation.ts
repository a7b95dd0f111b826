/**
 * `application/vnd.atoll.ops+json`: edits that say what was meant, where JSON can only say what is.
 *
 *     [{"op":"increment","path":"/stats/followers","by":1},
 *      {"op":"setAdd","path":"/interests","values":["chess"]},
 *      {"op":"textSplice","path":"/bio","index":0,"remove":0,"insert":"Hello. "}]
 *
 * Two people who both follow somebody mean two more followers, not the same number twice. One body is
 * one change: all of its operations or none, each seeing what the ones before it did. `path` is a JSON
 * Pointer to a member or item; positions in texts are UTF-16 code units.
 */
import type { JsonScalar, JsonValue } from "./json.ts";

type Values<T> = { readonly values: readonly T[] };

export type NativeOperation = { readonly path: string } & (
  | { readonly op: "set"; readonly value: JsonValue }
  | { readonly op: "unset" }
  | { readonly op: "increment"; readonly by: number }
  /** Without an index: at the end. */
  | ({ readonly op: "listInsert"; readonly index?: number | undefined } & Values<JsonValue>)
  | { readonly op: "listRemove"; readonly index: number; readonly count?: number | undefined }
  | ({ readonly op: "setAdd" | "setRemove" } & Values<JsonScalar>)
  | {
      readonly op: "textSplice";
      readonly index: number;
      readonly remove?: number | undefined;
      readonly insert?: string | undefined;
    }
  | { readonly op: "textUpdate"; readonly value: string }
  | ({ readonly op: "resolve" } & Choice)
);

/** Which of the values that concurrent writes left is to stand: one of them by its name, or another. */
export interface Choice {
  readonly opId?: string | undefined;
  /** When no operation is named. */
  readonly value?: JsonValue | undefined;
}
