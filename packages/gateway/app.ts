/**
 * The two applications, and the order in which a request passes through them.
 *
 *     identify      Request-Id and the headers of every answer
 *     routes        the most travelled first; each parses what it needs and nothing else
 *     not found     any other path
 *     problems      whatever was thrown on the way
 *
 * There is no body parser, logger or session middleware for all: what only writes need, only writes
 * pay for. Authentication and rate limits will stand between `identify` and the routes.
 *
 * They are handed out as plain listeners. Express has an end of its own for a request that no layer
 * took or whose URL cannot be parsed, and it speaks HTML: here everything ends as a problem.
 */
import type { RequestListener } from "node:http";
import express from "express";
import type { Express, Request } from "express";
import { AtollError, errorText } from "@atoll/core";
import type { Clock, Log, Random, RegionName } from "@atoll/core";
import { mountAdminRoutes } from "./admin-routes.ts";
import { identifier } from "./answer.ts";
import type { IdentifyDeps, Reply } from "./answer.ts";
import { mountCollectionRoutes } from "./collection-routes.ts";
import { mountDocumentRoutes } from "./document-routes.ts";
import { Exchange } from "./exchange.ts";
import { Forwarder } from "./forwarder.ts";
import type { ForwardBounds } from "./forwarder.ts";
import { mountHealthRoutes } from "./health-routes.ts";
import { mountPastRoutes } from "./past-routes.ts";
import { problemHandler } from "./problem.ts";
import { mountProfileRoutes } from "./profile-routes.ts";
import { mountSchemaRoutes } from "./schema-routes.ts";
import type { AdminService, ProfileService } from "./profile-service.ts";

export interface AdminAppDeps {
  readonly admin: AdminService;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  readonly region: RegionName;
  /** Of the product; told on the admin listener only. */
  readonly version: string;
}

export interface PublicAppDeps extends AdminAppDeps {
  readonly service: ProfileService;
  /** Where other regions answer clients, by region: whom to hand an uncovered session to. */
  readonly forwardTo?: ReadonlyMap<string, URL>;
  /** Other bounds than those of `limits`, for tests. */
  readonly forwardBounds?: ForwardBounds;
}

export function createPublicApp(deps: PublicAppDeps): RequestListener {
  const { clock, random, region, log } = deps;
  const urls = deps.forwardTo ?? new Map<string, URL>();
  const forwarder = new Forwarder({ region, urls, clock, log, ...deps.forwardBounds });
  return createListener({ clock, random, region }, log, (app) => {
    const exchange = new Exchange({ service: deps.service, clock, forwarder });
    mountProfileRoutes(app, exchange);
    mountCollectionRoutes(app, exchange);
    mountDocumentRoutes(app, exchange);
    mountPastRoutes(app, exchange);
    mountSchemaRoutes(app, deps.service.schema);
    mountHealthRoutes(app, deps.admin);
  });
}

export function createAdminApp(deps: AdminAppDeps): RequestListener {
  const { clock, random, region, log, admin } = deps;
  const server = `atoll/${deps.version}`;
  return createListener({ clock, random, region, server }, log, (app) => {
    mountAdminRoutes(app, admin);
    mountHealthRoutes(app, admin);
  });
}

function createListener(
  identity: IdentifyDeps,
  log: Log,
  mountRoutes: (app: Express) => void,
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
  mountRoutes(app);
  app.use(() => {
    throw new AtollError("not-found", "nothing is at this path");
  });
  app.use(answerProblem);

  return (message, response) => {
    const request = message as Request;
    const reply = response as Reply;
    app(request, reply, (thrown: unknown) => {
      // Two come here: a URL that the router cannot parse, which passed no middleware, and an
      // answer that could not be written, of which a problem document may be writable still.
      identify(request, reply);
      try {
        answerProblem(thrown ?? notAUrl(), request, reply);
      } catch (error) {
        log.error("answer-failed", { error: errorText(error) });
        reply.destroy();
      }
    });
  };
}

function notAUrl(): AtollError {
  return new AtollError("malformed-request", "the request target is not a URL");
}
