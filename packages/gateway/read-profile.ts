/**
 * What a plain read of one profile asks for, and how it is answered: the same in every process that reads.
 *
 * Everything that can be refused is refused before a profile is looked at; the answer needs the snapshot
 * alone.
 */
import type { Request } from "express";
import type { Clock, ProfileId } from "@atoll/core";
import { AtollError } from "@atoll/core";
import { send, sendCoded } from "./answer.ts";
import type { Reply } from "./answer.ts";
import { answerAbsent, ofReading } from "./exchange.ts";
import type { Fields } from "./fields.ts";
import { headerOf } from "./header.ts";
import { negotiateFormat } from "./media-type.ts";
import type { Format } from "./media-type.ts";
import { parsePrefer } from "./prefer.ts";
import type { Preferences } from "./prefer.ts";
import type { ProfileSnapshot, ReadAnswer } from "./profile-service.ts";
import { addProfileHeaders, contentTypeOf, entityTag, sessionHeaders } from "./representation.ts";
import type { Patience } from "./request.ts";
import type { TurnAnswers } from "./turn-answers.ts";
import { patienceOf, profileIdOf } from "./request.ts";
import { readCondition } from "./validators.ts";
import type { ReadCondition } from "./validators.ts";

/** What of a request decides how its answer looks. */
export interface Reading {
  readonly id: ProfileId;
  readonly format: Format;
  readonly condition: ReadCondition;
  readonly honoured: Preferences;
  readonly fields: Fields | undefined;
  readonly patience: Patience;
}

/** What an answer shows besides the snapshot. */
export interface Shown {
  readonly clock: Clock;
  readonly body: (profile: ProfileSnapshot, format: Format, fields: Fields | undefined) => string;
  /** Of an answer that is made in the turn in which it was asked for. */
  readonly turn?: TurnAnswers;
}

/** `canForward`: there is another region to hand a session to. Throws for what is malformed. */
export function readingOf(
  request: Request,
  reply: Reply,
  { fields, canForward }: { readonly fields: Fields | undefined; readonly canForward: boolean },
): Reading {
  const preferences = parsePrefer(headerOf(request, "prefer"));
  return {
    id: profileIdOf(request, reply),
    format: negotiateFormat(request),
    condition: readCondition(request.headers),
    honoured: ofReading(preferences),
    fields,
    patience: patienceOf(request, reply, preferences, canForward),
  };
}

/** Throws `precondition-failed`. */
export function answerRead(
  request: Request,
  reply: Reply,
  { reading, answer }: { readonly reading: Reading; readonly answer: ReadAnswer },
  { clock, body, turn }: Shown,
): void | Promise<void> {
  const { format, condition, honoured, fields } = reading;
  if (answer.kind === "absent") return answerAbsent(request, reply, answer, honoured);
  const { profile } = answer;
  const outcome = condition(profile.etag);
  if (outcome === "failed") {
    throw new AtollError("precondition-failed", "the profile has another version", {
      etag: entityTag(profile),
    });
  }
  const headers = sessionHeaders(answer, honoured);
  addProfileHeaders(headers, profile, clock.nowMs(), fields);
  if (outcome === "not-modified") return send(reply, 304, headers, undefined, { turn });
  headers["Content-Type"] = contentTypeOf(format);
  return sendCoded(reply, 200, headers, body(profile, format, fields), { turn });
}
