/**
 * What all routes of profiles share: how a session is served, here or by the region that can, and how a
 * write is answered.
 *
 * A session that this region has not caught up with is handed on, whatever was asked of it; so no route
 * calls the service without going through here, except the plain read, which is answered without a
 * promise when it can be.
 */
import type { OutgoingHttpHeaders } from "node:http";
import type { Request } from "express";
import { AtollError, unreachable } from "@atoll/core";
import type { ChangeHash, Clock, ProfileId } from "@atoll/core";
import type { ProfileEdit } from "@atoll/profile";
import { send } from "./answer.ts";
import type { Reply } from "./answer.ts";
import type { Forwarder } from "./forwarder.ts";
import { headerOf } from "./header.ts";
import { idempotencyOf } from "./idempotency.ts";
import { negotiateFormat } from "./media-type.ts";
import type { Format } from "./media-type.ts";
import { authorshipOf, principalOf, refuseOtherFields, shownFields, shownId } from "./ownership.ts";
import { NO_PREFERENCES, parsePrefer } from "./prefer.ts";
import type { Preferences } from "./prefer.ts";
import { sendProblem } from "./problem.ts";
import type {
  Answer,
  Precondition,
  ProfileService,
  ReceiptOptions,
  SessionOptions,
  WriteAnswer,
  WriteOptions,
} from "./profile-service.ts";
import { durabilityProblem, honouredWith, receiptHeaders } from "./receipt-headers.ts";
import { addProfileHeaders, bodyOf, contentTypeOf, sessionHeaders } from "./representation.ts";
import { baseVersionOf, patienceOf } from "./request.ts";
import type { Patience } from "./request.ts";
import type { Turns } from "./turns.ts";

export const PROFILES = "/v1/profiles";

export interface ExchangeDeps {
  readonly service: ProfileService;
  readonly clock: Clock;
  readonly forwarder: Forwarder;
  /** For what looks at many profiles: one of them to a turn of the event loop. */
  readonly turns: Turns;
}

export interface Writing {
  readonly format: Format;
  readonly preferences: Preferences;
  readonly patience: Patience;
  readonly upsert: boolean;
  readonly base: readonly ChangeHash[] | undefined;
  /** As received, where there is one to be read. */
  readonly body?: Uint8Array;
}

/** A request that the service could not serve. */
export interface Attempt {
  readonly request: Request;
  readonly reply: Reply;
  readonly patience: Patience;
  /** Monotonic. */
  readonly startedMs: number;
  readonly body?: Uint8Array | undefined;
}

export class Exchange {
  readonly service: ProfileService;
  readonly clock: Clock;
  readonly turns: Turns;
  readonly #forwarder: Forwarder;

  constructor({ service, clock, forwarder, turns }: ExchangeDeps) {
    this.service = service;
    this.clock = clock;
    this.turns = turns;
    this.#forwarder = forwarder;
  }

  get canForward(): boolean {
    return this.#forwarder.isUseful;
  }

  /** A session that this region has not caught up with may be served by the one that has. */
  elsewhere(error: unknown, { request, reply, patience, startedMs, body }: Attempt): Promise<void> {
    if (!patience.mayForward) throw error;
    const passedMs = this.clock.monotonicMs() - startedMs;
    const waitMs =
      patience.waitMs === undefined
        ? undefined
        : Math.round(Math.max(0, patience.waitMs - passedMs));
    return this.#forwarder.instead(error, { request, reply, body, waitMs });
  }

  /** Asks the service something that writes nothing, and answers unless it is handed on. */
  async read<T extends Answer>(
    request: Request,
    reply: Reply,
    asked: {
      readonly body?: Uint8Array;
      /** `receipt`: asked for by a batch of writes; nothing else has one. */
      ask(session: SessionOptions, receipt: ReceiptOptions | undefined): T | Promise<T>;
      answer(answer: T, headers: OutgoingHttpHeaders): void | Promise<void>;
    },
  ): Promise<void> {
    const preferences = parsePrefer(headerOf(request, "prefer"));
    const patience = patienceOf(request, reply, preferences, this.canForward);
    const startedMs = this.clock.monotonicMs();
    let answer: T;
    try {
      answer = await asked.ask(patience.session, patience.receipt);
    } catch (error) {
      return this.elsewhere(error, { request, reply, patience, startedMs, body: asked.body });
    }
    await asked.answer(answer, sessionHeaders(answer, ofReading(preferences)));
  }

  writingOf(request: Request, reply: Reply): Writing {
    const preferences = parsePrefer(headerOf(request, "prefer"));
    const format = negotiateFormat(request);
    const patience = patienceOf(request, reply, preferences, this.canForward);
    return { preferences, format, patience, upsert: false, base: baseVersionOf(request) };
  }

  async write(
    request: Request,
    reply: Reply,
    id: ProfileId,
    edit: ProfileEdit,
    precondition: Precondition,
    writing: Writing,
  ): Promise<void> {
    const { patience, upsert, base, body } = writing;
    const { session, receipt } = patience;
    refuseOtherFields(reply, edit);
    const idempotency = idempotencyOf(request, principalOf(reply).name, body);
    const options: WriteOptions = {
      upsert,
      ...authorshipOf(reply),
      ...(idempotency !== undefined && { idempotency }),
      ...(receipt !== undefined && { receipt }),
      ...(base !== undefined && { base }),
    };
    const startedMs = this.clock.monotonicMs();
    let answer: WriteAnswer;
    try {
      answer = await this.service.write(id, edit, precondition, session, options);
    } catch (error) {
      return this.elsewhere(error, { request, reply, patience, startedMs, body });
    }
    this.#answerWrite(request, reply, writing, answer);
  }

  #answerWrite(request: Request, reply: Reply, writing: Writing, answer: WriteAnswer): void {
    const { preferences, format } = writing;
    if (answer.kind === "absent") {
      return answerAbsent(request, reply, answer, ofReading(preferences));
    }
    const { receipt } = answer;
    const problem = durabilityProblem(preferences, receipt);
    const headers: OutgoingHttpHeaders = {
      ...sessionHeaders(answer, honouredWith(preferences, receipt)),
      ...receiptHeaders(receipt),
      ...(answer.replayed === true && { "Idempotent-Replayed": "true" }),
    };
    switch (answer.kind) {
      case "deleted":
        if (problem !== undefined) return sendProblem(request, reply, problem, headers);
        return send(reply, 204, headers);
      case "written": {
        const { profile, created } = answer;
        const fields = shownFields(reply, undefined);
        addProfileHeaders(headers, profile, this.clock.nowMs(), fields);
        if (created) headers["Location"] = `${PROFILES}/${shownId(profile.id)}`;
        if (problem !== undefined) return sendProblem(request, reply, problem, headers);
        if (preferences.return === "minimal") {
          return created ? send(reply, 201, headers, "") : send(reply, 204, headers);
        }
        headers["Content-Type"] = contentTypeOf(format);
        return send(
          reply,
          created ? 201 : 200,
          headers,
          bodyOf(profile, format, this.service.schema, fields),
        );
      }
      default:
        return unreachable(answer);
    }
  }
}

export function answerAbsent(
  request: Request,
  reply: Reply,
  answer: Answer,
  honoured: Preferences,
): void {
  sendProblem(request, reply, noSuchProfile(), sessionHeaders(answer, honoured));
}

export function noSuchProfile(): AtollError {
  return new AtollError("not-found", "this region has no such profile");
}

/** Nothing is written: there is nothing to return, nor to be durable. */
export function ofReading(preferences: Preferences): Preferences {
  return preferences === NO_PREFERENCES
    ? preferences
    : withoutReturn(withoutDurability(preferences));
}

function withoutDurability({ durability: _unused, ...honoured }: Preferences): Preferences {
  return honoured;
}

export function withoutReturn({ return: _unused, ...honoured }: Preferences): Preferences {
  return honoured;
}
