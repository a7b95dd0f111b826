/** Everything thrown becomes the right problem document, and tells no more than it should. */
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { AtollError, InvariantError } from "@atoll/core";
import type { ErrorCode } from "@atoll/core";
import { Loopback } from "./loopback.ts";
import { PROBLEMS } from "./problem.ts";

let region: Loopback;

beforeEach(async () => {
  region = new Loopback();
  await region.open();
});
afterEach(() => region.close());

const CODES = Object.keys(PROBLEMS) as ErrorCode[];

describe("an AtollError of the service", () => {
  test.each(CODES)("%s has the status and title of the table", async (code) => {
    region.service.failure = new AtollError(code, "detail for the client");
    const reply = await region.call("GET", "/v1/profiles/ann?x=1");
    const { status, title } = PROBLEMS[code];
    expect(reply.status).toBe(status);
    expect(reply.headers["content-type"]).toBe("application/problem+json");
    expect(reply.headers["cache-control"]).toBe("no-store");
    const detail: unknown =
      status === 500 ? expect.not.stringContaining("client") : "detail for the client";
    expect(reply.json()).toEqual({
      type: `https://atoll.dev/problems/${code}`,
      title,
      status,
      detail,
      instance: "/v1/profiles/ann",
      requestId: reply.headers["request-id"],
    });
    expect(region.log.lines).toHaveLength(status === 500 ? 1 : 0);
  });

  test("names the trace that its request is part of", async () => {
    const trace = "0af7651916cd43dd8448eb211c80319c";
    const call = (traceparent: string, path = "/v1/profiles/ann") =>
      region.call("GET", path, { headers: { traceparent } });
    region.service.failure = new AtollError("overloaded", "busy");
    const traceparent = `00-${trace}-b7ad6b7169203331-01`;
    expect((await call(traceparent)).json()).toMatchObject({ traceId: trace });
    expect((await call(traceparent, "/nowhere")).json()).toMatchObject({ traceId: trace });
    expect((await call("nonsense")).json()).not.toHaveProperty("traceId");
  });

  test("carries its data in headers and members", async () => {
    const fault = { pointer: "/age", detail: "must be a number", code: "type" };
    region.service.failure = new AtollError("overloaded", "busy", {
      faults: [{ ...fault, secret: "kept" } as typeof fault],
      missingRegions: ["us"],
      etag: '"tag"',
      allow: ["GET"],
      retryAfterSeconds: 0.2,
      mend: "for the terminal",
    });
    const reply = await region.call("GET", "/v1/profiles/ann");
    expect(reply.headers).toMatchObject({ etag: '"tag"', allow: "GET", "retry-after": "1" });
    expect(reply.json()).toMatchObject({ errors: [fault], missingRegions: ["us"] });
    expect(reply.text).not.toMatch(/kept|terminal/);
  });

  test("that says try later says when", async () => {
    for (const code of CODES.filter((each) => PROBLEMS[each].status === 503)) {
      region.service.failure = new AtollError(code, "not now");
      const reply = await region.call("GET", "/v1/profiles/ann");
      // A quarantined document waits for an operator, and nobody knows how long.
      const later: unknown =
        code === "document-quarantined" ? undefined : expect.stringMatching(/^[1-9]\d*$/);
      expect(reply.headers["retry-after"]).toEqual(later);
    }
  });
});

describe("anything else", () => {
  const secret = "/var/lib/atoll/eu.db is locked";
  test.each([
    ["an unknown error", new Error(secret)],
    ["a broken invariant", new InvariantError(secret)],
    ["an error with a status of its own", Object.assign(new Error(secret), { status: 404 })],
    ["no error at all", { secret }],
    ["text", secret],
  ])("%s is a 500 that leaks nothing and is logged once", async (_name, thrown) => {
    for (const method of ["GET", "PUT"]) {
      region.log.lines.length = 0;
      region.service.failure = thrown;
      const reply = await region.write(method, "/v1/profiles/ann", {});
      expect(reply.status).toBe(500);
      expect(reply.json()["type"]).toBe("https://atoll.dev/problems/internal");
      expect(reply.text).not.toMatch(/locked|gateway|\.ts/);
      const [line, ...more] = region.log.lines;
      expect(more).toEqual([]);
      expect(line).toMatchObject({
        level: "error",
        event: "request-failed",
        fields: { requestId: reply.headers["request-id"], method },
      });
      if (thrown instanceof Error) expect(line?.fields["error"]).toContain("problem.test.ts");
    }
  });

  test("an answer that cannot be written is a 500 as well", async () => {
    await region.write("PUT", "/v1/profiles/ann", {});
    const { service } = region;
    const answer = await service.read("ann" as never, { token: "", waitMs: 0, handling: "strict" });
    service.read = () => ({ ...answer, sessionToken: "a\r\nSet-Cookie: b" });
    const reply = await region.call("GET", "/v1/profiles/ann");
    expect(reply.status).toBe(500);
    expect(reply.headers).not.toHaveProperty("set-cookie");
    expect(region.log.lines).toHaveLength(1);
  });

  test("a problem that cannot be written is a 500 as well", async () => {
    region.service.failure = new AtollError("precondition-failed", "no", { etag: '"\r\n"' });
    await expect(region.call("GET", "/v1/profiles/ann")).resolves.toMatchObject({ status: 500 });
    expect(region.log.lines).toHaveLength(1);
  });
});

describe("paths and methods", () => {
  test.each([
    "/",
    "/v1",
    "/v1/profiles/",
    "/v1/profiles/a/b",
    "/V1/profiles/a",
    "/livez/",
    "/admin/v1/status",
  ])("%s is not found", async (path) => {
    const reply = await region.call("GET", path);
    expect(reply.status).toBe(404);
    expect(reply.json()).toMatchObject({ instance: path, status: 404 });
  });

  const ITEM = "GET, HEAD, PUT, PATCH, DELETE, OPTIONS";
  const COLLECTION = "GET, HEAD, POST, QUERY, OPTIONS";
  test.each([
    ["POST", "/v1/profiles/ann", ITEM],
    ["TRACE", "/v1/profiles/ann", ITEM],
    ["QUERY", "/v1/profiles/ann", ITEM],
    ["PUT", "/v1/profiles", COLLECTION],
    ["DELETE", "/v1/profiles", COLLECTION],
    ["GET", "/v1/profiles:batchGet", "POST, OPTIONS"],
    ["DELETE", "/v1/profiles/ann/history", "GET, HEAD, OPTIONS"],
    ["POST", "/livez", "GET, HEAD, OPTIONS"],
    ["PUT", "/readyz", "GET, HEAD, OPTIONS"],
  ])("%s %s is not allowed", async (method, path, allow) => {
    const reply = await region.call(method, path);
    expect(reply.status).toBe(405);
    expect(reply.headers.allow).toBe(allow);
    if (method !== "HEAD") {
      expect(reply.json()["type"]).toBe("https://atoll.dev/problems/method-not-allowed");
    }
  });

  test("OPTIONS tells what there is", async () => {
    const item = await region.call("OPTIONS", "/v1/profiles/ann");
    expect(item.status).toBe(204);
    expect(item.headers.allow).toBe(ITEM);
    expect(item.headers["accept-patch"]).toContain("application/merge-patch+json, ");
    const collection = await region.call("OPTIONS", "/v1/profiles");
    expect(collection.headers.allow).toBe(COLLECTION);
    expect(collection.headers).not.toHaveProperty("accept-patch");
  });
});

describe("Request-Id", () => {
  test("is the client's when it is printable and short", async () => {
    for (const id of ["abc", "trace 1/2", "x".repeat(128)]) {
      const reply = await region.call("GET", "/livez", { headers: { "Request-Id": id } });
      expect(reply.headers["request-id"]).toBe(id);
    }
  });

  test("is a UUIDv7 otherwise, another for each request", async () => {
    const seen = new Set<unknown>();
    for (const id of [undefined, "", "x".repeat(129), "caf\u00e9"]) {
      const headers = id === undefined ? {} : { "Request-Id": id };
      const reply = await region.call("GET", "/livez", { headers });
      expect(reply.headers["request-id"]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab]/);
      seen.add(reply.headers["request-id"]);
    }
    expect(seen.size).toBe(4);
  });
});

test("DESIGN.md lists every code with its status", () => {
  const design = readFileSync(new URL("./DESIGN.md", import.meta.url), "utf8");
  for (const code of CODES) {
    if (code === "internal" || PROBLEMS[code].status !== 500) {
      expect(design).toContain(`| \`${code}\` | ${PROBLEMS[code].status} |`);
    }
  }
});
