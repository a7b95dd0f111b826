/** Reading an answer of a region that may be of another version: what this command knows of it, or a failure. */
import { AtollError } from "@atoll/core";

/** A schema of `@atoll/server`, as far as it is used here. */
export interface Shape<T> {
  safeParse(
    value: unknown,
  ): { readonly success: true; readonly data: T } | { readonly success: false };
}

export function shaped<T>(value: unknown, shape: Shape<T>): T {
  const parsed = shape.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new AtollError("malformed-request", "the region answers what this command does not know");
}
