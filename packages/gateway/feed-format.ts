/**
 * A change feed as text: one page of JSON, lines of JSON, or server-sent events.
 *
 * `data` is the profile's canonical JSON and goes in as it is: parsing it to write it again would cost
 * more than everything else here.
 */
import type { Fields } from "./fields.ts";
import { isWithin, pick } from "./fields.ts";
import { EVENT_STREAM_TYPE, NDJSON_TYPE } from "./media-type.ts";
import { shownId } from "./ownership.ts";
import type {
  ChangeEvent,
  FeedEvent,
  FeedPage,
  NamedWrite,
  SupersededEvent,
} from "./profile-service.ts";

/** What streams say, one text each. */
export interface FeedFormat {
  readonly type: string;
  /** Before anything else. */
  readonly opening: string;
  event(event: FeedEvent, fields?: Fields): string;
  /** Nothing has happened for a while. */
  readonly beat: string;
  /** The cursor is too old; the stream ends with this. */
  reset(cursor: string): string;
}

/** `fields`: the members that may be seen; all when left away. Empty for what is about another one. */
export function eventText(event: FeedEvent, fields?: Fields): string {
  return event.kind === "superseded" ? supersededText(event, fields) : changeText(event, fields);
}

function supersededText(event: SupersededEvent, fields?: Fields): string {
  const { cursor, kind, id, pointer, lost, winner } = event;
  if (fields !== undefined && !isWithin(pointer, fields)) return "";
  const write = ({ change, region, writtenAtMs }: NamedWrite) => {
    return { change, region: region ?? null, writtenAt: new Date(writtenAtMs).toISOString() };
  };
  return JSON.stringify({
    cursor,
    type: kind,
    id: shownId(id),
    pointer,
    ...write(lost),
    winner: winner === undefined ? null : write(winner),
  });
}

function changeText(event: ChangeEvent, fields?: Fields): string {
  const { cursor, kind, id, region, writtenAtMs, etag, hasConflicts, json } = event;
  const head = JSON.stringify({
    cursor,
    type: kind,
    id: shownId(id),
    region,
    writtenAt: new Date(writtenAtMs).toISOString(),
    etag: `"${etag}"`,
    conflicts: hasConflicts,
  });
  if (json === undefined) return head;
  const data = fields === undefined ? json : pick(json, fields);
  return `${head.slice(0, -1)},"data":${data}}`;
}

export function pageText({ events, cursor, more }: FeedPage, fields?: Fields): string {
  const texts = events.map((event) => eventText(event, fields));
  const list = texts.filter((text) => text !== "").join(",");
  return `{"events":[${list}],"cursor":${JSON.stringify(cursor)},"more":${more}}`;
}

export const NDJSON: FeedFormat = {
  type: NDJSON_TYPE,
  opening: "",
  event: (event, fields) => {
    const text = eventText(event, fields);
    return text === "" ? "" : `${text}\n`;
  },
  beat: "\n", // an empty line is no value, and keeps proxies from hanging up
  reset: (cursor) => `${JSON.stringify({ type: "reset", cursor })}\n`,
};

/** WHATWG HTML section 9.2; canonical JSON has no line breaks. */
export const EVENT_STREAM: FeedFormat = {
  type: EVENT_STREAM_TYPE,
  opening: "retry: 2000\n\n",
  event: (event, fields) => {
    const text = eventText(event, fields);
    return text === "" ? "" : `id: ${event.cursor}\nevent: ${event.kind}\ndata: ${text}\n\n`;
  },
  beat: ": hb\n\n",
  reset: (cursor) => `event: reset\ndata: ${JSON.stringify({ type: "reset", cursor })}\n\n`,
};
