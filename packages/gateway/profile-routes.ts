/**
 * `/v1/profiles`: HTTP in, `ProfileService` out, HTTP again.
 *
 * Each handler goes the same way: parse everything that can be refused without touching a profile,
 * ask the service, answer. The read is the hot path: when the service answers at once it is
 * answered at once, without a promise, and no body or JSON is looked at.
 */
import type { Express, Request } from "express";
import { AtollError, unreachable } from "@atoll/core";
import type { ChangeHash, Clock, ProfileId } from "@atoll/core";
import type { ProfileEdit } from "@atoll/profile";
import { send } from "./answer.ts";
import type { Reply } from "./answer.ts";
import type { Forwarder } from "./forwarder.ts";
import { JSON_TYPE, negotiateFormat } from "./media-type.ts";
import type { Format } from "./media-type.ts";
import { PATCH_TYPES, readPatch } from "./patch-edit.ts";
import { parsePrefer } from "./prefer.ts";
import type { Preferences } from "./prefer.ts";
import { sendProblem } from "./problem.ts";
import type {
  Answer,
  Precondition,
  ProfileService,
  ReadAnswer,
  WriteAnswer,
  WriteOptions,
} from "./profile-service.ts";
import { durabilityProblem, honouredWith, receiptHeaders } from "./receipt-headers.ts";
import {
  bodyOf,
  contentTypeOf,
  entityTag,
  profileHeaders,
  sessionHeaders,
} from "./representation.ts";
import { baseVersionOf, patienceOf, profileIdOf, readJsonBody, upsertOf } from "./request.ts";
import type { Patience } from "./request.ts";
import { mountResource } from "./resource.ts";
import { readCondition, writePrecondition } from "./validators.ts";
import type { ReadCondition } from "./validators.ts";

export interface ProfileRoutesDeps {
  readonly service: ProfileService;
  readonly clock: Clock;
  readonly forwarder: Forwarder;
}

const PROFILES = "/v1/profiles";
/** A new id is nobody's yet; should it ever not be, nothing is overwritten. */
const CREATE_ONLY: Precondition = { ifNoneMatch: "*" };

export function mountProfileRoutes(app: Express, deps: ProfileRoutesDeps): void {
  const { service, clock, forwarder } = deps;

  function get(request: Request, reply: Reply): void | Promise<void> {
    const preferences = parsePrefer(request.get("prefer"));
    const id = profileIdOf(request);
    const reading = {
      format: negotiateFormat(request),
      condition: readCondition(request.headers),
      honoured: ofReading(preferences),
    };
    const patience = patienceOf(request, reply, preferences, forwarder.isUseful);
    const answer = service.read(id, patience.session);
    if (!(answer instanceof Promise)) return answerRead(request, reply, reading, answer);
    const startedMs = clock.monotonicMs();
    return answer.then(
      (late) => answerRead(request, reply, reading, late),
      (error: unknown) => elsewhere(error, { request, reply, patience, startedMs }),
    );
  }

  /** A session that this region has not caught up with may be served by the one that has. */
  function elsewhere(error: unknown, attempt: Attempt): Promise<void> {
    const { request, reply, patience, startedMs, body } = attempt;
    if (!patience.mayForward) throw error;
    const passedMs = clock.monotonicMs() - startedMs;
    const waitMs =
      patience.waitMs === undefined
        ? undefined
        : Math.round(Math.max(0, patience.waitMs - passedMs));
    return forwarder.instead(error, { request, reply, body, waitMs });
  }

  function answerRead(request: Request, reply: Reply, reading: Reading, answer: ReadAnswer): void {
    if (answer.kind === "absent") return answerAbsent(request, reply, answer, reading.honoured);
    const { profile } = answer;
    const outcome = reading.condition(profile.etag);
    if (outcome === "failed") {
      throw new AtollError("precondition-failed", "the profile has another version", {
        etag: entityTag(profile),
      });
    }
    const headers = {
      ...sessionHeaders(answer, reading.honoured),
      ...profileHeaders(profile, clock.nowMs()),
    };
    if (outcome === "not-modified") return send(reply, 304, headers);
    headers["Content-Type"] = contentTypeOf(reading.format);
    send(reply, 200, headers, bodyOf(profile, reading.format));
  }

  function writingOf(request: Request, reply: Reply): Writing {
    const preferences = parsePrefer(request.get("prefer"));
    const format = negotiateFormat(request);
    const patience = patienceOf(request, reply, preferences, forwarder.isUseful);
    return { preferences, format, patience, upsert: false, base: baseVersionOf(request) };
  }

  async function post(request: Request, reply: Reply): Promise<void> {
    const asked = writingOf(request, reply);
    const { value, bytes } = await readJsonBody(request, JSON_TYPE);
    const edit: ProfileEdit = { kind: "put", value };
    const writing = { ...asked, body: bytes };
    await write(request, reply, service.newProfileId(), edit, CREATE_ONLY, writing);
  }

  async function put(request: Request, reply: Reply): Promise<void> {
    const id = profileIdOf(request);
    const asked = writingOf(request, reply);
    const precondition = writePrecondition(request.headers);
    const { value, bytes } = await readJsonBody(request, JSON_TYPE);
    const writing = { ...asked, body: bytes };
    await write(request, reply, id, { kind: "put", value }, precondition, writing);
  }

  async function patch(request: Request, reply: Reply): Promise<void> {
    const id = profileIdOf(request);
    const asked = { ...writingOf(request, reply), upsert: upsertOf(request) };
    const precondition = writePrecondition(request.headers);
    const { edit, bytes } = await readPatch(request);
    await write(request, reply, id, edit, precondition, { ...asked, body: bytes });
  }

  /** The answer has no content, so neither `Accept` nor `Prefer: return` matters. */
  async function remove(request: Request, reply: Reply): Promise<void> {
    const preferences = withoutReturn(parsePrefer(request.get("prefer")));
    const writing: Writing = {
      preferences,
      format: "bare",
      patience: patienceOf(request, reply, preferences, forwarder.isUseful),
      upsert: false,
      base: baseVersionOf(request),
    };
    const id = profileIdOf(request);
    const precondition = writePrecondition(request.headers);
    await write(request, reply, id, { kind: "delete" }, precondition, writing);
  }

  async function write(
    request: Request,
    reply: Reply,
    id: ProfileId,
    edit: ProfileEdit,
    precondition: Precondition,
    writing: Writing,
  ): Promise<void> {
    const { patience, upsert, base, body } = writing;
    const { session, receipt } = patience;
    const options: WriteOptions = {
      upsert,
      ...(receipt !== undefined && { receipt }),
      ...(base !== undefined && { base }),
    };
    const startedMs = clock.monotonicMs();
    let answer: WriteAnswer;
    try {
      answer = await service.write(id, edit, precondition, session, options);
    } catch (error) {
      return elsewhere(error, { request, reply, patience, startedMs, body });
    }
    answerWrite(request, reply, writing, answer);
  }

  function answerWrite(
    request: Request,
    reply: Reply,
    writing: Writing,
    answer: WriteAnswer,
  ): void {
    const { preferences, format } = writing;
    if (answer.kind === "absent") {
      return answerAbsent(request, reply, answer, ofReading(preferences));
    }
    const { receipt } = answer;
    const problem = durabilityProblem(preferences, receipt);
    const headers = {
      ...sessionHeaders(answer, honouredWith(preferences, receipt)),
      ...receiptHeaders(receipt),
    };
    switch (answer.kind) {
      case "deleted":
        if (problem !== undefined) return sendProblem(request, reply, problem, headers);
        return send(reply, 204, headers);
      case "written": {
        const { profile, created } = answer;
        Object.assign(headers, profileHeaders(profile, clock.nowMs()));
        if (created) headers["Location"] = `${PROFILES}/${profile.id}`;
        if (problem !== undefined) return sendProblem(request, reply, problem, headers);
        if (preferences.return === "minimal") {
          return created ? send(reply, 201, headers, "") : send(reply, 204, headers);
        }
        headers["Content-Type"] = contentTypeOf(format);
        return send(reply, created ? 201 : 200, headers, bodyOf(profile, format));
      }
      default:
        return unreachable(answer);
    }
  }

  mountResource(app, `${PROFILES}/:id`, {
    get,
    put,
    patch,
    delete: remove,
    acceptPatch: PATCH_TYPES,
  });
  mountResource(app, PROFILES, { post });
}

/** What of a request decides how its answer looks. */
interface Reading {
  readonly format: Format;
  readonly condition: ReadCondition;
  readonly honoured: Preferences;
}

interface Writing {
  readonly format: Format;
  readonly preferences: Preferences;
  readonly patience: Patience;
  readonly upsert: boolean;
  readonly base: readonly ChangeHash[] | undefined;
  /** As received, where there is one to be read. */
  readonly body?: Uint8Array;
}

/** A request that the service could not serve. */
interface Attempt {
  readonly request: Request;
  readonly reply: Reply;
  readonly patience: Patience;
  /** Monotonic. */
  readonly startedMs: number;
  readonly body?: Uint8Array | undefined;
}

function answerAbsent(request: Request, reply: Reply, answer: Answer, honoured: Preferences): void {
  const error = new AtollError("not-found", "this region has no such profile");
  sendProblem(request, reply, error, sessionHeaders(answer, honoured));
}

/** Nothing is written: there is nothing to return, nor to be durable. */
function ofReading({ durability: _unused, ...preferences }: Preferences): Preferences {
  return withoutReturn(preferences);
}

function withoutReturn({ return: _unused, ...honoured }: Preferences): Preferences {
  return honoured;
}
