/**
 * `/v1/profiles`: HTTP in, `ProfileService` out, HTTP again.
 *
 * Each handler goes the same way: parse everything that can be refused without touching a profile,
 * ask the service, answer. The read is the hot path: when the service answers at once it is
 * answered at once, without a promise, and no body or JSON is looked at.
 */
import type { Express, Request } from "express";
import { AtollError, unreachable } from "@atoll/core";
import type { Clock, ProfileId } from "@atoll/core";
import type { ProfileEdit } from "@atoll/profile";
import { send } from "./answer.ts";
import type { Reply } from "./answer.ts";
import { JSON_TYPE, MERGE_PATCH_TYPE, negotiateFormat } from "./media-type.ts";
import type { Format } from "./media-type.ts";
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
import {
  bodyOf,
  contentTypeOf,
  entityTag,
  profileHeaders,
  sessionHeaders,
} from "./representation.ts";
import { profileIdOf, readJsonObject, sessionOf, upsertOf } from "./request.ts";
import { mountResource } from "./resource.ts";
import { readCondition, writePrecondition } from "./validators.ts";
import type { ReadCondition } from "./validators.ts";

export interface ProfileRoutesDeps {
  readonly service: ProfileService;
  readonly clock: Clock;
}

const PROFILES = "/v1/profiles";
const NO_UPSERT: WriteOptions = { upsert: false };
/** A new id is nobody's yet; should it ever not be, nothing is overwritten. */
const CREATE_ONLY: Precondition = { ifNoneMatch: "*" };

export function mountProfileRoutes(app: Express, { service, clock }: ProfileRoutesDeps): void {
  function get(request: Request, reply: Reply): void | Promise<void> {
    const preferences = parsePrefer(request.get("prefer"));
    const id = profileIdOf(request);
    const reading = {
      format: negotiateFormat(request),
      condition: readCondition(request.headers),
      honoured: withoutReturn(preferences),
    };
    const answer = service.read(id, sessionOf(request, preferences));
    if (!(answer instanceof Promise)) return answerRead(request, reply, reading, answer);
    return answer.then((late) => answerRead(request, reply, reading, late));
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

  async function post(request: Request, reply: Reply): Promise<void> {
    const writing = writingOf(request);
    const value = await readJsonObject(request, JSON_TYPE);
    const edit: ProfileEdit = { kind: "put", value };
    await write(request, reply, service.newProfileId(), edit, CREATE_ONLY, writing);
  }

  async function put(request: Request, reply: Reply): Promise<void> {
    const id = profileIdOf(request);
    const writing = writingOf(request);
    const precondition = writePrecondition(request.headers);
    const value = await readJsonObject(request, JSON_TYPE);
    await write(request, reply, id, { kind: "put", value }, precondition, writing);
  }

  async function patch(request: Request, reply: Reply): Promise<void> {
    const id = profileIdOf(request);
    const writing = { ...writingOf(request), options: { upsert: upsertOf(request) } };
    const precondition = writePrecondition(request.headers);
    const body = await readJsonObject(request, MERGE_PATCH_TYPE);
    const edit: ProfileEdit = { kind: "merge-patch", patch: body };
    await write(request, reply, id, edit, precondition, writing);
  }

  /** The answer has no content, so neither `Accept` nor `Prefer: return` matters. */
  async function remove(request: Request, reply: Reply): Promise<void> {
    const preferences = parsePrefer(request.get("prefer"));
    const writing: Writing = {
      preferences: withoutReturn(preferences),
      format: "bare",
      session: sessionOf(request, preferences),
      options: NO_UPSERT,
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
    const { session, options } = writing;
    const answer = await service.write(id, edit, precondition, session, options);
    answerWrite(request, reply, writing, answer);
  }

  function answerWrite(
    request: Request,
    reply: Reply,
    writing: Writing,
    answer: WriteAnswer,
  ): void {
    const { preferences, format } = writing;
    switch (answer.kind) {
      case "absent":
        return answerAbsent(request, reply, answer, withoutReturn(preferences));
      case "deleted":
        return send(reply, 204, sessionHeaders(answer, preferences));
      case "written": {
        const { profile, created } = answer;
        const headers = {
          ...sessionHeaders(answer, preferences),
          ...profileHeaders(profile, clock.nowMs()),
        };
        if (created) headers["Location"] = `${PROFILES}/${profile.id}`;
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
    acceptPatch: [MERGE_PATCH_TYPE],
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
  readonly session: ReturnType<typeof sessionOf>;
  readonly options: WriteOptions;
}

function writingOf(request: Request): Writing {
  const preferences = parsePrefer(request.get("prefer"));
  return {
    preferences,
    format: negotiateFormat(request),
    session: sessionOf(request, preferences),
    options: NO_UPSERT,
  };
}

function answerAbsent(request: Request, reply: Reply, answer: Answer, honoured: Preferences): void {
  const error = new AtollError("not-found", "this region has no such profile");
  sendProblem(request, reply, error, sessionHeaders(answer, honoured));
}

function withoutReturn({ return: _unused, ...honoured }: Preferences): Preferences {
  return honoured;
}
