/**
 * A batch of writes, answered part by part: each as it would be alone, as far as a part can be.
 *
 * `Prefer: return=minimal` leaves the profiles away, `durability=…` makes each part wait for the regions it
 * asked for, all at the same time, and names them. What is said of all is the least that one reached.
 */
import { isAtollError } from "@atoll/core";
import { noSuchProfile } from "./exchange.ts";
import type { Fields } from "./fields.ts";
import type { Preferences } from "./prefer.ts";
import { problemBody } from "./problem.ts";
import type { RequestNames } from "./problem.ts";
import type {
  Durability,
  ProfileSnapshot,
  Receipt,
  SchemaService,
  WriteAnswer,
} from "./profile-service.ts";
import { durabilityProblem } from "./receipt-headers.ts";
import { envelopeOf } from "./representation.ts";

const DURABILITIES: readonly Durability[] = ["local", "2", "majority", "all"];

/** What is the same for all parts. */
export interface BatchAnswering {
  readonly schema: SchemaService;
  readonly preferences: Preferences;
  /** Members that may be seen. */
  readonly fields: Fields | undefined;
  readonly names: RequestNames;
}

export function profileItem(
  profile: ProfileSnapshot,
  status: number,
  { schema, fields }: Pick<BatchAnswering, "schema" | "fields">,
  receipt?: Receipt,
): string {
  const rest = envelopeOf(profile, schema, fields).slice(1);
  const durable = receipt === undefined ? "" : `"durableIn":${JSON.stringify(receipt.durableIn)},`;
  return `{"status":${status},${durable}${rest}`;
}

/** `id`: as its client knows it. */
export function outcomeItem(
  id: string | undefined,
  outcome: PromiseSettledResult<WriteAnswer>,
  answering: BatchAnswering,
): string {
  if (outcome.status === "rejected") return problemItem(id, outcome.reason, answering);
  const answer = outcome.value;
  if (answer.kind === "absent") return problemItem(id, noSuchProfile(), answering);
  const { receipt } = answer;
  const problem = durabilityProblem(answering.preferences, receipt);
  if (problem !== undefined) return problemItem(id, problem, answering);
  const durable = receipt && { durableIn: receipt.durableIn };
  if (answer.kind === "deleted") return JSON.stringify({ id, status: 204, ...durable });
  const { created, profile } = answer;
  if (answering.preferences.return === "minimal") {
    return JSON.stringify({ id, status: created ? 201 : 204, ...durable });
  }
  return profileItem(profile, created ? 201 : 200, answering, receipt);
}

function problemItem(id: string | undefined, reason: unknown, { names }: BatchAnswering): string {
  const problem = problemBody(reason, names);
  return JSON.stringify({ id, status: problem.status, problem });
}

/** The least that a part reached; undefined when none waited for anything. */
export function leastReached(
  outcomes: readonly PromiseSettledResult<WriteAnswer>[],
): Durability | undefined {
  const reached = outcomes.flatMap((outcome) => {
    const { value } = outcome.status === "fulfilled" ? outcome : { value: undefined };
    const receipt = value === undefined || value.kind === "absent" ? undefined : value.receipt;
    return receipt === undefined ? [] : [DURABILITIES.indexOf(receipt.reached)];
  });
  return reached.length === 0 ? undefined : DURABILITIES[Math.min(...reached)];
}

/** A part's own fault; what befell all of them is the request's. */
export function isAnswerable(reason: unknown): boolean {
  return isAtollError(reason) && reason.code !== "session-not-available";
}
