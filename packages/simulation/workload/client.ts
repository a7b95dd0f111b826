/**
 * A client of one region as the workload sees it: REST in shape, so that the simulator answers it from a
 * process in memory and chaos/ over HTTP.
 *
 * Nothing is thrown: what became of a request is a value, and "unknown" is an ordinary one.
 */
import type { ProfileEdit } from "@atoll/profile";
import type { Durability } from "@atoll/replica";

export interface RequestOptions {
  readonly token: string | undefined;
  readonly waitMs: number;
  readonly handling: "strict" | "lenient";
}

export interface WriteRequest extends RequestOptions {
  readonly ifMatch?: readonly string[];
  readonly ifNoneMatch?: "*";
  readonly durability?: Durability;
}

export type Outcome =
  /** Read, or written: the profile as it is. */
  | {
      readonly kind: "found";
      readonly json: string;
      readonly etag: string;
      /** Hexadecimal. */
      readonly heads: readonly string[];
      readonly token: string;
      readonly isStale: boolean;
      /** Of a write: something was recorded. */
      readonly changed?: boolean;
      /** Of a write with a receipt: regions that were said to hold it. */
      readonly durableIn?: readonly string[];
    }
  /** There is no such profile, or not any more. */
  | {
      readonly kind: "absent";
      readonly token: string;
      readonly isStale: boolean;
      /** Of a delete: there was something to delete. */
      readonly existed?: boolean;
      readonly durableIn?: readonly string[];
    }
  /** Not done, and will not be. `code`: of the error. */
  | { readonly kind: "refused"; readonly code: string }
  /** Nobody knows whether it was done. */
  | { readonly kind: "unknown" };

export interface ProfileClient {
  read(region: number, id: string, options: RequestOptions): Promise<Outcome>;
  write(region: number, id: string, edit: ProfileEdit, options: WriteRequest): Promise<Outcome>;
}
