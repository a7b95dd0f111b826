/**
 * `/v1/profiles`: HTTP in, `ProfileService` out, HTTP again.
 *
 * Each handler goes the same way: parse everything that can be refused without touching a profile,
 * ask the service, answer. The read is the hot path: when the service answers at once it is
 * answered at once, without a promise, and no body or JSON is looked at.
 */
import type { Express, Request } from "express";
import { must } from "@atoll/core";
import type { Reply } from "./answer.ts";
import { mountOperations } from "./contract-routes.ts";
import { parseQuery } from "./contract/operation.ts";
import { deleteProfile, getProfile, patchProfile, putProfile } from "./contract/profile.ts";
import { withoutReturn } from "./exchange.ts";
import type { Exchange, Writing } from "./exchange.ts";
import { headerOf } from "./header.ts";
import { JSON_TYPE } from "./media-type.ts";
import { readPatch } from "./patch-edit.ts";
import { shownFields } from "./ownership.ts";
import { parsePrefer } from "./prefer.ts";
import { answerRead, readingOf } from "./read-profile.ts";
import type { Shown } from "./read-profile.ts";
import { bodyOf } from "./representation.ts";
import { baseVersionOf, patienceOf, profileIdOf, readJsonBody } from "./request.ts";
import type { Resource } from "./resource.ts";
import { TurnAnswers } from "./turn-answers.ts";
import { writePrecondition } from "./validators.ts";
import { readVersion } from "./version-read.ts";

/** Parameters are rare: a request without any does not pay for having them parsed. */
const NO_PARAMETERS = { at: undefined, fields: undefined };
const NOT_UPSERTING = { upsert: false };

/** Gives back the resource of one profile. */
export function mountProfileRoutes(app: Express, exchange: Exchange): Resource {
  const { service, clock } = exchange;
  const shown: Shown = {
    clock,
    body: (profile, format, fields) => bodyOf(profile, format, service.schema, fields),
  };

  const atOnce: Shown = { ...shown, turn: new TurnAnswers(clock) };

  function get(request: Request, reply: Reply): void | Promise<void> {
    const { at, fields: asked } = request.url.includes("?")
      ? parseQuery(request, getProfile.query)
      : NO_PARAMETERS;
    const fields = shownFields(reply, asked);
    if (at !== undefined) return readVersion(exchange, request, reply, { at, fields });
    const reading = readingOf(request, reply, { fields, canForward: exchange.canForward });
    const { patience } = reading;
    const answer = service.read(reading.id, patience.session);
    if (!(answer instanceof Promise))
      return answerRead(request, reply, { reading, answer }, atOnce);
    const startedMs = clock.monotonicMs();
    return answer.then(
      (late) => answerRead(request, reply, { reading, answer: late }, shown),
      (error: unknown) => exchange.elsewhere(error, { request, reply, patience, startedMs }),
    );
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
