/**
 * The two applications, and the order in which a request passes through them.
 *
 *     direct road   what asks plainly for one profile passes the router by
 *     identify      Request-Id and the headers of every answer
 *     gate          room, name, right, rate: inside each route, by the policy's line for it
 *     routes        the most travelled first; each parses what it needs and nothing else
 *     not found     any other path
 *     problems      whatever was thrown on the way
 *
 * There is no body parser, logger or session middleware for all: what only writes need, only writes
 * pay for.
 *
 * They are handed out as plain listeners. Express has an end of its own for a request that no layer
 * took or whose URL cannot be parsed, and it speaks HTML: here everything ends as a problem.
 */
import type { RequestListener } from "node:http";
import express from "express";
import type { Express, Request } from "express";
import { AtollError, errorText } from "@atoll/core";
import type { Clock, Log, Meter, Random, RegionName, Tracing } from "@atoll/core";
import { mountAdminRoutes } from "./admin-routes.ts";
import { identifier } from "./answer.ts";
import type { IdentifyDeps, Reply, RequestLog } from "./answer.ts";
import { mountCollectionRoutes } from "./collection-routes.ts";
import { DirectRoad } from "./direct-road.ts";
import { mountDocumentationRoutes } from "./documentation-routes.ts";
import { mountDocumentRoutes } from "./document-routes.ts";
import { Cors } from "./cors.ts";
import { mountFeedRoutes } from "./feed-routes.ts";
import { Exchange } from "./exchange.ts";
import { Forwarder } from "./forwarder.ts";
import type { ForwardBounds } from "./forwarder.ts";
import { Gatekeeper } from "./gatekeeper.ts";
import { mountHealthRoutes } from "./health-routes.ts";
import { operatorAudit } from "./operator-audit.ts";
import { mountPastRoutes } from "./past-routes.ts";
import { problemHandler } from "./problem.ts";
import { mountProfileRoutes } from "./profile-routes.ts";
import { mountSchemaRoutes } from "./schema-routes.ts";
import type { AdminService, ProfileService, RegionLink } from "./profile-service.ts";
import { mountRegionRoutes } from "./region-routes.ts";
import { RequestIds } from "./request-ids.ts";
import { requestLogger } from "./request-log.ts";
import { RequestMetrics } from "./request-metrics.ts";
import { Turns } from "./turns.ts";

export interface AdminAppDeps {
  readonly admin: AdminService;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  readonly region: RegionName;
  /** Of the product; told on the admin listener only. */
  readonly version: string;
  /** Who comes in; open when left away, with the bulkheads only. */
  readonly gate?: Gatekeeper;
  readonly meter?: Meter;
  /** A line for each request. */
  readonly logRequests?: boolean;
}

export interface PublicAppDeps extends Omit<AdminAppDeps, "admin"> {
  readonly admin: Pick<AdminService, "readiness">;
  readonly service: ProfileService;
  /** The other regions; none when left away. */
  readonly links?: () => readonly RegionLink[];
  /** Where other regions answer clients, by region: whom to hand an uncovered session to. */
  readonly forwardTo?: ReadonlyMap<string, URL>;
  /** Origins whose pages may call. */
  readonly corsOrigins?: readonly string[];
  /** Undefined: off. */
  readonly tracing?: Tracing | undefined;
  /** Other bounds than those of `limits`, for tests. */
  readonly forwardBounds?: ForwardBounds;
}

export function createPublicApp(deps: PublicAppDeps): RequestListener {
  const { clock, random, region, log, tracing } = deps;
  const urls = deps.forwardTo ?? new Map<string, URL>();
  const forwarder = new Forwarder({ region, urls, clock, log, ...deps.forwardBounds });
  const gate = deps.gate ?? new Gatekeeper({ clock });
  const metrics = new RequestMetrics(clock, deps.meter);
  const cors = deps.corsOrigins && new Cors(deps.corsOrigins);
  const requestLog = deps.logRequests === true ? requestLogger(log) : undefined;
  const requestIds = new RequestIds(clock, random);
  const identity = { requestIds, region, gate, metrics, cors, requestLog, tracing };
  return createListener(identity, log, (app) => {
    const turns = new Turns(clock);
    const exchange = new Exchange({ service: deps.service, clock, forwarder, turns });
    const profile = mountProfileRoutes(app, exchange);
    mountCollectionRoutes(app, exchange);
    mountDocumentRoutes(app, exchange);
    mountPastRoutes(app, exchange);
    mountSchemaRoutes(app, deps.service.schema);
    mountFeedRoutes(app, { feed: deps.service.feed, clock, log, turns });
    mountRegionRoutes(app, { region, urls, links: deps.links ?? (() => []) });
    mountDocumentationRoutes(app);
    mountHealthRoutes(app, deps.admin);
    return new DirectRoad(profile);
  });
}

export function createAdminApp(deps: AdminAppDeps): RequestListener {
  const { clock, random, region, log, admin } = deps;
  const server = `atoll/${deps.version}`;
  const gate = deps.gate ?? new Gatekeeper({ clock });
  const metrics = new RequestMetrics(clock, deps.meter);
  const logs = [
    ...(deps.logRequests === true ? [requestLogger(log)] : []),
    operatorAudit(admin.audit, clock),
  ];
  const requestLog: RequestLog = (...told) => {
    for (const tell of logs) tell(...told);
  };
  const requestIds = new RequestIds(clock, random);
  const identity = { requestIds, region, gate, metrics, requestLog, server };
  return createListener(identity, log, (app) => {
    mountAdminRoutes(app, admin);
    mountHealthRoutes(app, admin);
    return undefined;
  });
}

function createListener(
  identity: IdentifyDeps,
  log: Log,
  mountRoutes: (app: Express) => DirectRoad | undefined,
): RequestListener {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.set("query parser", "simple");
  app.enable("case sensitive routing");
  app.enable("strict routing");

  const identify = identifier(identity);
  const answerProblem = problemHandler(log);
  app.use((request: Request, reply: Reply, next) => {
    identify(request, reply);
    next();
  });
  const directRoad = mountRoutes(app);
  app.use(() => {
    throw new AtollError("not-found", "nothing is at this path");
  });
  app.use(answerProblem);

  return (message, response) => {
    const request = message as Request;
    const reply = response as Reply;
    const direct = directRoad?.handlerOf(request);
    if (direct !== undefined) {
      identify(request, reply);
      return DirectRoad.walk(direct, request, reply, (thrown) => {
        try {
          answerProblem(thrown, request, reply);
        } catch (error) {
          answerAtLast(error, request, reply);
        }
      });
    }
    app(request, reply, (thrown: unknown) => {
      // Two come here: a URL that the router cannot parse, which passed no middleware, and an
      // answer that could not be written, of which a problem document may be writable still.
      identify(request, reply);
      answerAtLast(thrown ?? notAUrl(), request, reply);
    });
  };

  function answerAtLast(thrown: unknown, request: Request, reply: Reply): void {
    try {
      answerProblem(thrown, request, reply);
    } catch (error) {
      log.error("answer-failed", { error: errorText(error) });
      reply.destroy();
    }
  }
}

function notAUrl(): AtollError {
  return new AtollError("malformed-request", "the request target is not a URL");
}
