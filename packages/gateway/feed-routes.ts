/**
 * `GET /v1/changes`: what changed in this region, as a page, a long poll, lines, or server-sent events.
 *
 *     Accept: application/json         one page; with `Prefer: wait=N` waits for the first event
 *     Accept: application/x-ndjson     lines without end
 *     Accept: text/event-stream        events without end; resumes by Last-Event-ID
 *
 * A stream holds one page at most. The next is read from the log when the one before has left our
 * hands, so a consumer that reads slowly falls behind in the log and not in our memory; one that reads
 * nothing at all is let go.
 */
import type { Express, Request } from "express";
import { AtollError, errorText, isAtollError, limits } from "@atoll/core";
import type { Clock, Log, Tenant } from "@atoll/core";
import { send, sendHead } from "./answer.ts";
import type { Reply } from "./answer.ts";
import { ClientGone } from "./body.ts";
import { mountOperations } from "./contract-routes.ts";
import { getFeed } from "./contract/feed.ts";
import { parseQuery } from "./contract/operation.ts";
import { departureSignal } from "./departure.ts";
import { EVENT_STREAM, NDJSON, pageText } from "./feed-format.ts";
import type { FeedFormat } from "./feed-format.ts";
import { EVENT_STREAM_TYPE, JSON_TYPE, NDJSON_TYPE } from "./media-type.ts";
import { shownFields, tenantOf } from "./ownership.ts";
import { parsePrefer, preferenceApplied } from "./prefer.ts";
import type { FeedPage, FeedService } from "./profile-service.ts";
import { SharedPages } from "./shared-pages.ts";
import type { Turns } from "./turns.ts";

export interface FeedRoutesDeps {
  readonly feed: FeedService;
  readonly clock: Clock;
  readonly log: Log;
  readonly turns: Turns;
}

interface Asked {
  readonly tenant: Tenant;
  readonly since: string | undefined;
  readonly limit: number;
  readonly withData: boolean;
}

const NO_STORE = { "Cache-Control": "no-store", "X-Accel-Buffering": "no" };

export function mountFeedRoutes(app: Express, { feed, clock, log, turns }: FeedRoutesDeps): void {
  const streamsByPrincipal = new Map<string, number>();
  const shared = new SharedPages(feed, clock);

  async function page(request: Request, reply: Reply, asked: Asked): Promise<void> {
    const { waitMs } = parsePrefer(request.get("prefer"));
    let found = await feed.page(asked);
    const isNews = (): boolean => found.events.length > 0 || found.more;
    if (waitMs !== undefined && !isNews()) {
      const untilMs = clock.monotonicMs() + waitMs;
      const departure = departureSignal(reply);
      for (let leftMs = waitMs; leftMs > 0 && !isNews(); leftMs = untilMs - clock.monotonicMs()) {
        if (!(await feed.changed(found.cursor, leftMs, departure))) break;
        found = await next(found, asked); // what changed may be another tenant's
      }
    }
    const applied = preferenceApplied(waitMs === undefined ? {} : { waitMs });
    const headers = {
      ...NO_STORE,
      "Content-Type": JSON_TYPE,
      ...(applied !== undefined && { "Preference-Applied": applied }),
    };
    send(reply, 200, headers, pageText(found, shownFields(reply, undefined)));
  }

  async function stream(reply: Reply, format: FeedFormat, asked: Asked): Promise<void> {
    const name = reply.locals.principal?.name ?? "";
    const streams = streamsByPrincipal.get(name) ?? 0;
    if (streams >= limits.FEED_STREAMS_EACH_MAX) {
      throw new AtollError("rate-limited", `you have ${streams} streams open already`);
    }
    streamsByPrincipal.set(name, streams + 1);
    try {
      await run(reply, format, asked);
    } finally {
      const left = (streamsByPrincipal.get(name) ?? 1) - 1;
      if (left === 0) streamsByPrincipal.delete(name);
      else streamsByPrincipal.set(name, left);
    }
  }

  async function run(reply: Reply, format: FeedFormat, asked: Asked): Promise<void> {
    const departure = departureSignal(reply);
    const fields = shownFields(reply, undefined);
    const pages = fields === undefined ? shared : new SharedPages(feed, clock, fields);
    await turns.next();
    let found = await pages.page(asked, format); // what is wrong with the request is told before the head
    sendHead(reply, 200, { ...NO_STORE, "Content-Type": format.type });
    let text = format.opening + found.text;
    try {
      for (;;) {
        if (text !== "") await write(reply, text, departure, clock);
        text = "";
        if (!found.more) {
          const changed = await feed.changed(found.cursor, limits.FEED_BEAT_MS, departure);
          if (!changed && feed.isClosed) break;
          if (!changed) {
            text = format.beat;
            continue;
          }
        }
        await turns.next();
        found = await pages.page({ ...asked, since: found.cursor }, format);
        text = found.text;
      }
      reply.end();
    } catch (error) {
      end(reply, format, error);
    }
  }

  function next(found: FeedPage, asked: Asked): Promise<FeedPage> {
    return feed.page({ ...asked, since: found.cursor });
  }

  /** The head has been sent: what goes wrong now can only be told in the stream, or by its end. */
  function end(reply: Reply, format: FeedFormat, error: unknown): void {
    if (error instanceof ClientGone) return void reply.destroy();
    if (isAtollError(error) && error.code === "cursor-expired") {
      return void reply.end(format.reset(error.data.cursor ?? ""));
    }
    const { requestId } = reply.locals;
    log.warn("feed-stream-ended", { requestId, reason: errorText(error) });
    reply.destroy();
  }

  function get(request: Request, reply: Reply): Promise<void> {
    const asked = askedOf(request, reply);
    const type = request.accepts([JSON_TYPE, NDJSON_TYPE, EVENT_STREAM_TYPE]);
    if (type === false) {
      throw new AtollError(
        "not-acceptable",
        `changes are available as ${JSON_TYPE}, ${NDJSON_TYPE} and ${EVENT_STREAM_TYPE}`,
      );
    }
    if (type === JSON_TYPE || request.method === "HEAD") return page(request, reply, asked);
    const format = type === NDJSON_TYPE ? NDJSON : EVENT_STREAM;
    return stream(reply, format, { ...asked, limit: limits.FEED_STREAM_EVENTS });
  }

  mountOperations(app, [[getFeed, get]]);
}

/** Settles when the text has left our hands; rejects when nobody takes it. */
function write(reply: Reply, text: string, departure: AbortSignal, clock: Clock): Promise<void> {
  departure.throwIfAborted();
  if (reply.write(text)) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const end = (): void => {
      timer.cancel();
      reply.off("drain", drained);
      departure.removeEventListener("abort", leave);
    };
    const drained = (): void => {
      end();
      resolve();
    };
    const leave = (): void => {
      end();
      reject(departure.reason as Error);
    };
    const timer = clock.after(limits.FEED_STALL_MS, () => {
      end();
      reject(new Error(`the consumer read nothing for ${limits.FEED_STALL_MS} ms`));
    });
    reply.once("drain", drained);
    departure.addEventListener("abort", leave);
  });
}

function askedOf(request: Request, reply: Reply): Asked {
  const { since, limit, include } = parseQuery(request, getFeed.query);
  const from = request.get("last-event-id") ?? since;
  return {
    tenant: tenantOf(reply),
    since: from === "" ? undefined : from,
    limit,
    withData: include === "data",
  };
}
