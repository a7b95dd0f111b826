/**
 * A change feed as text: one page of JSON, lines of JSON, or server-sent events.
 *
 * `data` is the profile's canonical JSON and goes in as it is: parsing it to write it again would cost
 * more than everything else here.
 */
import type { FeedEvent, FeedPage } from "./profile-service.ts";

export const NDJSON_TYPE = "application/x-ndjson";
export const EVENT_STREAM_TYPE = "text/event-stream";

/** What streams say, one text each. */
export interface FeedFormat {
  readonly type: string;
  /** Before anything else. */
  readonly opening: string;
  event(event: FeedEvent): string;
  /** Nothing has happened for a while. */
  readonly beat: string;
  /** The cursor is too old; the stream ends with this. */
  reset(cursor: string): string;
}

export function eventText(event: FeedEvent): string {
  const { cursor, kind, id, region, writtenAtMs, etag, hasConflicts, json } = event;
  const head = JSON.stringify({
    cursor,
    type: kind,
    id,
    region,
    writtenAt: new Date(writtenAtMs).toISOString(),
    etag: `"${etag}"`,
    conflicts: hasConflicts,
  });
  return json === undefined ? head : `${head.slice(0, -1)},"data":${json}}`;
}

export function pageText({ events, cursor, more }: FeedPage): string {
  const list = events.map(eventText).join(",");
  return `{"events":[${list}],"cursor":${JSON.stringify(cursor)},"more":${more}}`;
}

export const NDJSON: FeedFormat = {
  type: NDJSON_TYPE,
  opening: "",
  event: (event) => `${eventText(event)}\n`,
  beat: "\n", // an empty line is no value, and keeps proxies from hanging up
  reset: (cursor) => `${JSON.stringify({ type: "reset", cursor })}\n`,
};

/** WHATWG HTML section 9.2; canonical JSON has no line breaks. */
export const EVENT_STREAM: FeedFormat = {
  type: EVENT_STREAM_TYPE,
  opening: "retry: 2000\n\n",
  event: (event) => `id: ${event.cursor}\nevent: ${event.kind}\ndata: ${eventText(event)}\n\n`,
  beat: ": hb\n\n",
  reset: (cursor) => `event: reset\ndata: ${JSON.stringify({ type: "reset", cursor })}\n\n`,
};
