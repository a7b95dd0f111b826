/**
 * The header fields that requests and answers carry, each described once.
 *
 * They are parsed where they are used (`prefer.ts`, `validators.ts`, `request.ts` …): grammars of headers
 * are no JSON. What stands here is their name, what they are for, and one that works.
 */

interface HeaderText {
  readonly description: string;
  readonly example: string;
}

const HEAD = "4f1e6a0c9b7d3e2f8a5c1b0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a4b3c2d1e0f";

export const REQUEST_HEADERS = {
  "If-Match": {
    description: "Done only if this region's copy has one of these ETags, or `*`: any at all",
    example: '"q7yPp0Kz3mVb1Xc9Ld2RtA"',
  },
  "If-None-Match": {
    description:
      "A read: 304 if the copy here has one of these ETags. A write: 412 then; `*`: create",
    example: '"mZ0w8Jf5uHq2Ns6Yk1BvEg"',
  },
  Prefer: {
    description:
      "RFC 7240: `durability=local|2|majority|all`, `wait=N` seconds, `handling=strict|lenient`, " +
      "`return=minimal|representation`. Never an error; `Preference-Applied` tells what was honoured",
    example: "wait=1",
  },
  "Session-Token": {
    description: "Of the last answer of this session: what it has seen, this answer knows too",
    example: "AgEBAAAAAAAAAAA",
  },
  "Base-Version": {
    description:
      "`Document-Heads` of the version that the client saw: the write is made there, and merges",
    example: HEAD,
  },
  "Idempotency-Key": {
    description:
      "Names this attempt: sent again within 24 hours it is not done again, but told again",
    example: '"0198c1a2-7e4b-7c1d-9a3f-5b6c7d8e9f01"',
  },
  "Last-Event-ID": {
    description: "The cursor of the last event that was taken; goes before `since`",
    example: "AAAAAAAAAAE",
  },
} as const satisfies Record<string, HeaderText>;

export type RequestHeader = keyof typeof REQUEST_HEADERS;

export const ANSWER_HEADERS = {
  "Request-Id": {
    description: "Names this request in our log; the one that was sent, if any",
    example: "0198c1a2-7e4b-7c1d-9a3f-5b6c7d8e9f01",
  },
  "Served-By-Region": { description: "The region that answered", example: "us-east-1" },
  "Server-Timing": {
    description: "How long this took here, milliseconds",
    example: "app;dur=1.25",
  },
  "Forwarded-By-Region": {
    description: "The region that handed the request on, when it was not the one that answered",
    example: "eu-west-1",
  },
  "RateLimit-Policy": {
    description: "The rate of this credential, where there is one",
    example: '"reads";q=100;w=10',
  },
  RateLimit: { description: "What is left of it", example: '"reads";r=99;t=1' },
  "Session-Token": {
    description: "To be sent with the next request of the session",
    example: "AgEBAAAAAAAAAAA",
  },
  "Session-Status": {
    description:
      "`stale` when less is shown than the session has seen, as `handling=lenient` allows",
    example: "stale",
  },
  "Preference-Applied": { description: "The preferences that were honoured", example: "wait=1" },
  ETag: { description: "The version, and its variant", example: '"q7yPp0Kz3mVb1Xc9Ld2RtA"' },
  "Last-Modified": {
    description: "When it was last written, by the writer's clock: advisory",
    example: "Sun, 01 Mar 2026 12:00:00 GMT",
  },
  "Document-Heads": { description: "The version as changes, for Base-Version", example: HEAD },
  Conflicts: {
    description: "`?1` when concurrent writes left more than the winner",
    example: "?1",
  },
  Location: { description: "Where the new profile is", example: "/v1/profiles/ada" },
  Link: {
    description: "`rel=next`: the next page",
    example: '</v1/profiles?pageToken=x>; rel="next"',
  },
  "Durable-In": {
    description: "The regions that hold the write on disk, where durability was asked for",
    example: "us-east-1, eu-west-1",
  },
  "Idempotent-Replayed": {
    description: "`true` when the answer is that of an earlier request with the same key",
    example: "true",
  },
  "Retry-After": { description: "Seconds until it is worth trying again", example: "1" },
  "WWW-Authenticate": {
    description: "How to authenticate (RFC 6750)",
    example: 'Bearer realm="atoll"',
  },
  Allow: { description: "The methods of this path", example: "GET, HEAD, OPTIONS" },
  Accept: { description: "The media types that a body may have", example: "application/json" },
  "Accept-Patch": {
    description: "The media types that a body of PATCH may have",
    example: "application/merge-patch+json",
  },
} as const satisfies Record<string, HeaderText>;

export type AnswerHeader = keyof typeof ANSWER_HEADERS;

export const SESSION_HEADERS: readonly RequestHeader[] = ["Session-Token", "Prefer"];
export const READ_HEADERS = SESSION_HEADERS;
export const WRITE_HEADERS: readonly RequestHeader[] = [
  ...SESSION_HEADERS,
  "If-Match",
  "If-None-Match",
  "Base-Version",
  "Idempotency-Key",
];

export const COMMON_ANSWER: readonly AnswerHeader[] = [
  "Request-Id",
  "Served-By-Region",
  "Server-Timing",
];
export const SESSION_ANSWER: readonly AnswerHeader[] = [
  "Session-Token",
  "Session-Status",
  "Preference-Applied",
  "Forwarded-By-Region",
];
export const PROFILE_ANSWER: readonly AnswerHeader[] = [
  ...SESSION_ANSWER,
  "ETag",
  "Last-Modified",
  "Document-Heads",
  "Conflicts",
];
export const WRITE_ANSWER: readonly AnswerHeader[] = [
  ...PROFILE_ANSWER,
  "Durable-In",
  "Idempotent-Replayed",
];
