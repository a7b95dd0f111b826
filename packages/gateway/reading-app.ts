/**
 * The application of a process that only reads.
 *
 *     GET /v1/profiles/ada   ──▶ gate ──▶ file ──▶ answer
 *                                          └─ says not enough ──▶ replica
 *     anything else          ──▶ replica
 *
 * What it answers itself is answered by the very code that answers it in the replica's process, behind a
 * gate made of the same policy and credentials.
 */
import type { RequestListener } from "node:http";
import express from "express";
import type { Request } from "express";
import { errorText, must } from "@atoll/core";
import type { Clock, Log, Meter, ProfileId, Random, RegionName } from "@atoll/core";
import { identifier } from "./answer.ts";
import type { Reply } from "./answer.ts";
import { mountOperations } from "./contract-routes.ts";
import { getProfile } from "./contract/profile.ts";
import { Cors } from "./cors.ts";
import { DirectRoad } from "./direct-road.ts";
import type { Gatekeeper } from "./gatekeeper.ts";
import type { HandOver } from "./hand-over.ts";
import { shownFields } from "./ownership.ts";
import { problemHandler } from "./problem.ts";
import type { ReadAnswer } from "./profile-service.ts";
import { answerRead, readingOf } from "./read-profile.ts";
import type { Shown } from "./read-profile.ts";
import { dataOf } from "./representation.ts";
import { RequestIds } from "./request-ids.ts";
import { requestLogger } from "./request-log.ts";
import { RequestMetrics } from "./request-metrics.ts";
import { TurnAnswers } from "./turn-answers.ts";

export interface ReadingAppDeps {
  /** Undefined: only the replica can answer. */
  readonly read: (id: ProfileId, token: string | undefined) => ReadAnswer | undefined;
  readonly handOver: HandOver;
  readonly gate: Gatekeeper;
  readonly meter: Meter;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly logRequests: boolean;
  readonly region: RegionName;
  readonly corsOrigins: readonly string[];
  /** Traced requests are the replica's, which records spans. */
  readonly isTraced: boolean;
}

export function createReadingApp(deps: ReadingAppDeps): RequestListener {
  const { handOver, gate, clock, log, region } = deps;
  const identify = identifier({
    requestIds: new RequestIds(clock, deps.random),
    region,
    gate,
    metrics: new RequestMetrics(clock, deps.meter),
    cors: new Cors(deps.corsOrigins),
    requestLog: deps.logRequests ? requestLogger(log) : undefined,
  });
  const shown: Shown = {
    clock,
    body: (profile, _format, fields) => dataOf(profile, fields),
    turn: new TurnAnswers(clock),
  };

  function get(request: Request, reply: Reply): void | Promise<void> {
    const fields = shownFields(reply, undefined);
    const reading = readingOf(request, reply, { fields, canForward: false });
    if (reading.format !== "bare") return handOver.pass(request, reply); // an envelope tells more
    const answer = deps.read(reading.id, reading.patience.session.token);
    if (answer === undefined) return handOver.pass(request, reply);
    return answerRead(request, reply, { reading, answer }, shown);
  }

  const [profile] = mountOperations(express(), [[getProfile, get]]);
  const road = new DirectRoad(must(profile, "one operation, one path"));
  const answerProblem = problemHandler(log);

  return (message, response) => {
    const request = message as Request;
    const reply = response as Reply;
    identify(request, reply);
    const isOurs = !(deps.isTraced && request.headers["traceparent"] !== undefined);
    const handler = isOurs ? road.handlerOf(request) : undefined;
    DirectRoad.walk(
      handler ?? ((...passed) => handOver.pass(...passed)),
      request,
      reply,
      (thrown) => {
        try {
          answerProblem(thrown, request, reply);
        } catch (error) {
          log.error("answer-failed", { error: errorText(error) });
          reply.destroy();
        }
      },
    );
  };
}
