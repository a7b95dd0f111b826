/**
 * `/v1/profiles`: HTTP in, `ProfileService` out, HTTP again.
 *
 * Each handler goes the same way: parse everything that can be refused without touching a profile,
 * ask the service, answer. The read is the hot path: when the service answers at once it is
 * answered at once, without a promise, and no body or JSON is looked at.
 */
import type { Express, Request } from "express";
import { AtollError, must } from "@atoll/core";
import { send, sendCoded } from "./answer.ts";
import type { Reply } from "./answer.ts";
import { mountOperations } from "./contract-routes.ts";
import { parseQuery } from "./contract/operation.ts";
import { deleteProfile, getProfile, patchProfile, putProfile } from "./contract/profile.ts";
import { answerAbsent, ofReading, withoutReturn } from "./exchange.ts";
import type { Exchange, Writing } from "./exchange.ts";
import type { Fields } from "./fields.ts";
import { headerOf } from "./header.ts";
import { JSON_TYPE, negotiateFormat } from "./media-type.ts";
import type { Format } from "./media-type.ts";
import { readPatch } from "./patch-edit.ts";
import { shownFields } from "./ownership.ts";
import { parsePrefer } from "./prefer.ts";
import type { Preferences } from "./prefer.ts";
import type { ReadAnswer } from "./profile-service.ts";
import {
  bodyOf,
  contentTypeOf,
  entityTag,
  profileHeaders,
  sessionHeaders,
} from "./representation.ts";
import { baseVersionOf, patienceOf, profileIdOf, readJsonBody } from "./request.ts";
import type { Resource } from "./resource.ts";
import { readCondition, writePrecondition } from "./validators.ts";
import type { ReadCondition } from "./validators.ts";
import { readVersion } from "./version-read.ts";

/** Parameters are rare: a request without any does not pay for having them parsed. */
const NO_PARAMETERS = { at: undefined, fields: undefined };
const NOT_UPSERTING = { upsert: false };

/** Gives back the resource of one profile. */
export function mountProfileRoutes(app: Express, exchange: Exchange): Resource {
  const { service, clock } = exchange;

  function get(request: Request, reply: Reply): void | Promise<void> {
    const { at, fields: asked } = request.url.includes("?")
      ? parseQuery(request, getProfile.query)
      : NO_PARAMETERS;
    const fields = shownFields(reply, asked);
    if (at !== undefined) return readVersion(exchange, request, reply, { at, fields });
    const preferences = parsePrefer(headerOf(request, "prefer"));
    const id = profileIdOf(request, reply);
    const reading = {
      format: negotiateFormat(request),
      condition: readCondition(request.headers),
      honoured: ofReading(preferences),
      fields,
    };
    const patience = patienceOf(request, reply, preferences, exchange.canForward);
    const answer = service.read(id, patience.session);
    if (!(answer instanceof Promise)) return answerRead(request, reply, reading, answer);
    const startedMs = clock.monotonicMs();
    return answer.then(
      (late) => answerRead(request, reply, reading, late),
      (error: unknown) => exchange.elsewhere(error, { request, reply, patience, startedMs }),
    );
  }

  function answerRead(
    request: Request,
    reply: Reply,
    reading: Reading,
    answer: ReadAnswer,
  ): void | Promise<void> {
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
      ...profileHeaders(profile, clock.nowMs(), reading.fields),
    };
    if (outcome === "not-modified") return send(reply, 304, headers);
    headers["Content-Type"] = contentTypeOf(reading.format);
    const body = bodyOf(profile, reading.format, service.schema, reading.fields);
    return sendCoded(reply, 200, headers, body);
  }

  async function put(request: Request, reply: Reply): Promise<void> {
    const id = profileIdOf(request, reply);
    const asked = exchange.writingOf(request, reply);
    const precondition = writePrecondition(request.headers);
    const { value, bytes } = await readJsonBody(request, JSON_TYPE);
    const writing = { ...asked, body: bytes };
    await exchange.write(request, reply, id, { kind: "put", value }, precondition, writing);
  }

  async function patch(request: Request, reply: Reply): Promise<void> {
    const id = profileIdOf(request, reply);
    const { upsert } = request.url.includes("?")
      ? parseQuery(request, patchProfile.query)
      : NOT_UPSERTING;
    const asked = { ...exchange.writingOf(request, reply), upsert };
    const precondition = writePrecondition(request.headers);
    const { edit, bytes } = await readPatch(request);
    await exchange.write(request, reply, id, edit, precondition, { ...asked, body: bytes });
  }

  /** The answer has no content, so neither `Accept` nor `Prefer: return` matters. */
  async function remove(request: Request, reply: Reply): Promise<void> {
    const preferences = withoutReturn(parsePrefer(headerOf(request, "prefer")));
    const writing: Writing = {
      preferences,
      format: "bare",
      patience: patienceOf(request, reply, preferences, exchange.canForward),
      upsert: false,
      base: baseVersionOf(request),
    };
    const id = profileIdOf(request, reply);
    const precondition = writePrecondition(request.headers);
    await exchange.write(request, reply, id, { kind: "delete" }, precondition, writing);
  }

  const [profile] = mountOperations(app, [
    [getProfile, get],
    [putProfile, put],
    [patchProfile, patch],
    [deleteProfile, remove],
  ]);
  return must(profile, "all of them are of one path");
}

/** What of a request decides how its answer looks. */
interface Reading {
  readonly format: Format;
  readonly condition: ReadCondition;
  readonly honoured: Preferences;
  readonly fields: Fields | undefined;
}
