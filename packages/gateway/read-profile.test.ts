/** GET and HEAD of a profile: representation, headers and conditions. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { limits } from "@atoll/core";
import { FAKE_TOKEN, TOKEN_AHEAD } from "./fake-service.ts";
import { Loopback } from "./loopback.ts";

const ENVELOPE = "application/vnd.atoll.profile+json";
let region: Loopback;
let etag: string;

beforeEach(async () => {
  region = new Loopback();
  await region.open();
  const put = await region.write("PUT", "/v1/profiles/ann", { name: "Ann", age: 7 });
  etag = put.headers.etag ?? "";
});
afterEach(() => region.close());

describe("a profile that is here", () => {
  test.each([false, true])(
    "is its canonical JSON with metadata in headers (late: %s)",
    async (late) => {
      region.service.late = late;
      const reply = await region.call("GET", "/v1/profiles/ann");
      expect(reply.status).toBe(200);
      expect(reply.text).toBe('{"age":7,"name":"Ann"}');
      expect(reply.headers).toMatchObject({
        "content-type": "application/json",
        "content-length": "22",
        "last-modified": "Tue, 14 Nov 2023 22:13:20 GMT",
        "session-token": FAKE_TOKEN,
        "served-by-region": "eu",
        "cache-control": "private, no-cache",
        vary: "Accept, Accept-Encoding, Authorization",
        "x-content-type-options": "nosniff",
      });
      expect(reply.headers.etag).toMatch(/^"[A-Za-z0-9_-]{22}"$/);
      expect(reply.headers["document-heads"]).toMatch(/^[0-9a-f]{64}$/);
      for (const absent of ["conflicts", "preference-applied", "session-status", "x-powered-by"]) {
        expect(reply.headers).not.toHaveProperty(absent);
      }
    },
  );

  test("HEAD has the headers of GET and no body", async () => {
    const get = await region.call("GET", "/v1/profiles/ann");
    const head = await region.call("HEAD", "/v1/profiles/ann");
    expect(head.status).toBe(200);
    expect(head.text).toBe("");
    for (const volatile of ["request-id", "date"]) {
      delete get.headers[volatile];
      delete head.headers[volatile];
    }
    expect(head.headers).toEqual(get.headers);
  });

  test("says in the envelope what the headers say", async () => {
    const reply = await region.call("GET", "/v1/profiles/ann", { headers: { Accept: ENVELOPE } });
    expect(reply.headers["content-type"]).toBe(ENVELOPE);
    expect(reply.json()).toEqual({
      id: "ann",
      etag: etag.slice(1, -1),
      heads: [reply.headers["document-heads"]],
      createdAt: "2023-11-14T22:13:19.000Z",
      updatedAt: "2023-11-14T22:13:20.000Z",
      data: { name: "Ann", age: 7 },
    });
  });

  test("tells of conflicts only when there are some", async () => {
    region.service.hasConflicts = true;
    const reply = await region.call("GET", "/v1/profiles/ann");
    expect(reply.headers["conflicts"]).toBe("?1");
  });

  test("names its heads in the header while they are few", async () => {
    region.service.headCount = limits.HEADS_IN_HEADER_MAX;
    const few = await region.call("GET", "/v1/profiles/ann");
    expect(String(few.headers["document-heads"]).split(", ")).toHaveLength(8);
    region.service.headCount = limits.HEADS_IN_HEADER_MAX + 1;
    const many = await region.call("GET", "/v1/profiles/ann");
    expect(many.headers).not.toHaveProperty("document-heads");
  });

  test("never claims a modification in the future", async () => {
    region.clock.advance(-5_000);
    const reply = await region.call("GET", "/v1/profiles/ann");
    expect(reply.headers["last-modified"]).toBe("Tue, 14 Nov 2023 22:13:15 GMT");
  });
});

describe("Accept", () => {
  test.each([
    [undefined, "application/json"],
    ["*/*", "application/json"],
    ["application/*", "application/json"],
    ["application/json", "application/json"],
    ["application/json; charset=utf-8", "application/json"],
    ["text/html, */*;q=0.1", "application/json"],
    [ENVELOPE, ENVELOPE],
    [`${ENVELOPE};charset=UTF-8`, ENVELOPE],
    [`application/json;q=0.5, ${ENVELOPE}`, ENVELOPE],
    [`${ENVELOPE};q=0.5, application/json`, "application/json"],
    [`application/json;q=0, ${ENVELOPE}`, ENVELOPE],
  ])("%s gets %s", async (accept, type) => {
    const headers = accept === undefined ? {} : { Accept: accept };
    const reply = await region.call("GET", "/v1/profiles/ann", { headers });
    expect(reply.status).toBe(200);
    expect(reply.headers["content-type"]).toBe(type);
  });

  test.each(["text/html", "image/*", "application/json;q=0", "nonsense"])(
    "%s gets 406, before the service is asked",
    async (accept) => {
      const before = region.service.calls.length;
      for (const method of ["GET", "PUT"]) {
        const reply = await region.write(method, "/v1/profiles/ann", {}, { Accept: accept });
        expect(reply.status).toBe(406);
        expect(reply.json()["type"]).toBe("https://atoll.dev/problems/not-acceptable");
      }
      expect(region.service.calls).toHaveLength(before);
    },
  );
});

describe("conditions", () => {
  test.each([
    ["the tag", () => etag],
    ["a weak tag", () => `W/${etag}`],
    ["a list", () => `"other", ${etag}`],
    ["*", () => "*"],
    ["a compressed variant", () => `${etag.slice(0, -1)}+gzip"`],
    ["a sparse variant", () => `${etag.slice(0, -1)}.f01"`],
  ])("If-None-Match with %s gets 304 with all headers but the content's", async (_name, tag) => {
    for (const method of ["GET", "HEAD"]) {
      const headers = { "If-None-Match": tag() };
      const reply = await region.call(method, "/v1/profiles/ann", { headers });
      expect(reply.status).toBe(304);
      expect(reply.text).toBe("");
      expect(reply.headers).toMatchObject({
        etag,
        "session-token": FAKE_TOKEN,
        "served-by-region": "eu",
        "cache-control": "private, no-cache",
        vary: "Accept, Accept-Encoding, Authorization",
      });
      expect(reply.headers).not.toHaveProperty("content-type");
      expect(reply.headers).not.toHaveProperty("content-length");
    }
  });

  test("If-None-Match with another tag gets the profile", async () => {
    const headers = { "If-None-Match": '"AAAAAAAAAAAAAAAAAAAAAA"' };
    expect((await region.call("GET", "/v1/profiles/ann", { headers })).status).toBe(200);
  });

  test("If-Match with another tag gets 412 and the current one", async () => {
    const headers = { "If-Match": '"other"' };
    const reply = await region.call("GET", "/v1/profiles/ann", { headers });
    expect(reply.status).toBe(412);
    expect(reply.headers.etag).toBe(etag);
  });

  test("a malformed validator gets 400", async () => {
    for (const name of ["If-None-Match", "If-Match"]) {
      const headers = { [name]: "unquoted" };
      const reply = await region.call("GET", "/v1/profiles/ann", { headers });
      expect(reply.status).toBe(400);
      expect(reply.json()["detail"]).toContain(name);
    }
  });
});

describe("a profile that is not here", () => {
  test("gets 404 with the session's headers, whatever the condition", async () => {
    for (const headers of [{}, { "If-None-Match": "*" }, { "If-Match": "*" }]) {
      const reply = await region.call("GET", "/v1/profiles/nobody", { headers });
      expect(reply.status).toBe(404);
      expect(reply.headers["content-type"]).toBe("application/problem+json");
      expect(reply.headers["session-token"]).toBe(FAKE_TOKEN);
      expect(reply.json()).toMatchObject({
        type: "https://atoll.dev/problems/not-found",
        status: 404,
        instance: "/v1/profiles/nobody",
      });
    }
  });
});

describe("a session", () => {
  const ahead = { "Session-Token": TOKEN_AHEAD };

  test("is passed on with the defaults", async () => {
    await region.call("GET", "/v1/profiles/ann", { headers: { "Session-Token": FAKE_TOKEN } });
    expect(region.service.calls.at(-1)?.session).toMatchObject({
      token: FAKE_TOKEN,
      waitMs: limits.SESSION_WAIT_MS_DEFAULT,
      handling: "strict",
    });
  });

  test("is none without a token, or with an empty one", async () => {
    for (const headers of [{}, { "Session-Token": "" }]) {
      await region.call("GET", "/v1/profiles/ann", { headers });
      expect(region.service.calls.at(-1)?.session.token).toBeUndefined();
    }
  });

  test("waits as preferred, and the answer says so", async () => {
    const headers = { Prefer: "wait=0.5, handling=strict, return=minimal" };
    const reply = await region.call("GET", "/v1/profiles/ann", { headers });
    expect(region.service.calls.at(-1)?.session.waitMs).toBe(500);
    expect(reply.headers["preference-applied"]).toBe("wait=0.5, handling=strict");
  });

  test("that this region is behind gets 503 when strict", async () => {
    const reply = await region.call("GET", "/v1/profiles/ann", { headers: ahead });
    expect(reply.status).toBe(503);
    expect(reply.headers["retry-after"]).toBe("2");
    expect(reply.json()).toMatchObject({
      type: "https://atoll.dev/problems/session-not-available",
      missingRegions: ["us"],
    });
  });

  test("that this region is behind is served what is here when lenient, marked", async () => {
    const headers = { ...ahead, Prefer: "handling=lenient" };
    for (const path of ["/v1/profiles/ann", "/v1/profiles/nobody"]) {
      const reply = await region.call("GET", path, { headers });
      expect(reply.status).toBe(path.endsWith("ann") ? 200 : 404);
      expect(reply.headers["session-status"]).toBe("stale");
      expect(reply.headers["preference-applied"]).toBe("handling=lenient");
    }
  });

  test("has a token of bounded length", async () => {
    const token = "A".repeat(limits.SESSION_TOKEN_CHARS_MAX);
    const send = (text: string) =>
      region.call("GET", "/v1/profiles/ann", { headers: { "Session-Token": text } });
    expect((await send(token)).status).toBe(200);
    expect((await send(`${token}A`)).status).toBe(400);
  });
});
