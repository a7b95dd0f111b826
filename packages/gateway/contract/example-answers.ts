/** What the requests of `examples.ts` were answered, by operation and media type. */
import type { JsonValue } from "@atoll/profile";

export const EXAMPLE_ANSWERS: Readonly<Record<string, Readonly<Record<string, JsonValue>>>> = {};
