/**
 * What an answer to a write says about other regions.
 *
 *     Durable-In: us-east-1, eu-west-1                  whenever `Prefer: durability` was asked for
 *     Preference-Applied: durability=2                  what was reached, which may be less
 *     504 durability-not-met                            less than was asked for, and handling=strict
 *
 * A write that has not travelled far enough in time is still a write: it is here, it is durable, and it
 * will travel on. So the default is a success that tells the truth, and whoever prefers an error gets one
 * that says that repeating the request is not what mends it.
 */
import type { OutgoingHttpHeaders } from "node:http";
import { AtollError } from "@atoll/core";
import type { Preferences } from "./prefer.ts";
import type { Receipt } from "./profile-service.ts";

export function receiptHeaders(receipt: Receipt | undefined): OutgoingHttpHeaders {
  return receipt === undefined ? {} : { "Durable-In": receipt.durableIn.join(", ") };
}

/** The preferences as they were honoured: nothing is said of a write that recorded nothing. */
export function honouredWith(
  { durability: _asked, ...preferences }: Preferences,
  receipt: Receipt | undefined,
): Preferences {
  return receipt === undefined ? preferences : { ...preferences, durability: receipt.reached };
}

/** The problem, for a client that wants less than it asked for to be one. */
export function durabilityProblem(
  { handling, durability }: Preferences,
  receipt: Receipt | undefined,
): AtollError | undefined {
  if (receipt === undefined || receipt.met || handling !== "strict") return undefined;
  const { durableIn, missingIn } = receipt;
  const missing = missingIn.length === 0 ? "" : `, not confirmed by ${missingIn.join(", ")}`;
  return new AtollError(
    "durability-not-met",
    `the write is applied and durable in ${durableIn.join(", ")}${missing}: ` +
      `durability=${durability ?? "local"} was not reached in time`,
    { durableIn, missingIn },
  );
}
