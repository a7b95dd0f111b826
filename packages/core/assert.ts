/**
 * Broken invariants stop the process.
 *
 * An assertion that fails means that our own code is wrong, so nothing it would do next can be
 * trusted. Do not catch it and do not use it for bad input: a request that cannot be served is an
 * `AtollError`, an ordinary alternative is a value.
 */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/** The end of a `switch` over a closed union: the compiler proves that it is never reached. */
export function unreachable(value: never): never {
  throw new InvariantError(`unreachable: ${JSON.stringify(value)}`);
}

/** For what is known to exist, such as an index below a length checked on the line before. */
export function must<T>(value: T | undefined | null, what: string): T {
  if (value === undefined || value === null) throw new InvariantError(`missing: ${what}`);
  return value;
}
