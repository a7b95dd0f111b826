/** PUT, PATCH, POST and DELETE: statuses, headers and what reaches the service. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FAKE_TOKEN } from "./fake-service.ts";
import { Loopback } from "./loopback.ts";

const ANN = "/v1/profiles/ann";
let region: Loopback;

beforeEach(async () => {
  region = new Loopback();
  await region.open();
});
afterEach(() => region.close());

describe("PUT", () => {
  test("creates with 201 and Location, then replaces with 200", async () => {
    const created = await region.write("PUT", ANN, { name: "Ann" });
    expect(created.status).toBe(201);
    expect(created.headers.location).toBe(ANN);
    expect(created.text).toBe('{"name":"Ann"}');
    const replaced = await region.write("PUT", ANN, { age: 7 });
    expect(replaced.status).toBe(200);
    expect(replaced.headers).not.toHaveProperty("location");
    expect(replaced.text).toBe('{"age":7}');
    expect(replaced.headers).toMatchObject({
      "content-type": "application/json",
      "session-token": FAKE_TOKEN,
      "served-by-region": "eu",
      "cache-control": "private, no-cache",
    });
    expect(replaced.headers.etag).not.toBe(created.headers.etag);
  });

  test("answers with the envelope when that is accepted", async () => {
    const headers = { Accept: "application/vnd.atoll.profile+json" };
    const reply = await region.write("PUT", ANN, { name: "Ann" }, headers);
    expect(reply.json()).toMatchObject({ id: "ann", data: { name: "Ann" } });
  });

  test.each([
    ["application/json", 201],
    ["APPLICATION/JSON", 201],
    ["application/json; charset=utf-8", 201],
    ['application/json;charset="UTF-8"', 201],
    ["application/json; version=1", 201],
    ["application/json; charset=latin1", 415],
    ["application/json; charset=utf-8; charset=utf-16", 415],
    ["application/merge-patch+json", 415],
    ["text/json", 415],
    ["application/jsonx", 415],
    ["", 415],
    [undefined, 415],
  ])("of Content-Type %s gets %i", async (type, status) => {
    const headers = type === undefined ? {} : { "Content-Type": type };
    const reply = await region.call("PUT", ANN, { headers, body: "{}" });
    expect(reply.status).toBe(status);
    if (status === 415) expect(reply.headers.accept).toBe("application/json");
  });

  test.each([
    ["gzip", 415],
    ["identity, br", 415],
    ["identity", 201],
    ["Identity", 201],
  ])("of Content-Encoding %s gets %i", async (coding, status) => {
    const reply = await region.write("PUT", ANN, {}, { "Content-Encoding": coding });
    expect(reply.status).toBe(status);
  });

  test.each(["[]", "null", '"text"', "7", "true"])("of %s gets 422", async (body) => {
    const headers = { "Content-Type": "application/json" };
    const reply = await region.call("PUT", ANN, { headers, body });
    expect(reply.status).toBe(422);
    expect(reply.json()["errors"]).toEqual([
      { pointer: "", detail: "must be a JSON object", code: "type" },
    ]);
  });

  test("of nothing gets 400, announced or not", async () => {
    const headers = { "Content-Type": "application/json" };
    for (const options of [{}, { body: "" }, { body: "", chunked: true }]) {
      const reply = await region.call("PUT", ANN, { headers, ...options });
      expect(reply.status).toBe(400);
      expect(reply.json()["detail"]).toBe("the body is empty");
    }
  });

  test("a body in pieces is one body", async () => {
    const headers = { "Content-Type": "application/json" };
    const options = { headers, body: '{"name":"Ann"}', chunked: true };
    expect((await region.call("PUT", ANN, options)).text).toBe('{"name":"Ann"}');
  });
});

describe("PATCH", () => {
  test("merges", async () => {
    await region.write("PUT", ANN, { name: "Ann", age: 7, at: { city: "Oslo" } });
    const reply = await region.write("PATCH", ANN, { age: null, at: { zip: "1" } });
    expect(reply.status).toBe(200);
    expect(reply.json()).toEqual({ name: "Ann", at: { city: "Oslo", zip: "1" } });
  });

  test("of an absent profile gets 404 with the session's headers", async () => {
    for (const path of [ANN, `${ANN}?upsert=false`]) {
      const reply = await region.write("PATCH", path, {}, { Prefer: "return=minimal, wait=1" });
      expect(reply.status).toBe(404);
      expect(reply.headers["session-token"]).toBe(FAKE_TOKEN);
      expect(reply.headers["preference-applied"]).toBe("wait=1");
    }
  });

  test("with upsert creates", async () => {
    const reply = await region.write("PATCH", `${ANN}?upsert=true`, { name: "Ann", age: null });
    expect(reply.status).toBe(201);
    expect(reply.headers.location).toBe(ANN);
    expect(reply.json()).toEqual({ name: "Ann" });
    expect(region.service.calls.at(-1)?.options).toEqual({ upsert: true });
  });

  test.each(["1", "TRUE", "", "true&upsert=true", "true&upsert=false"])(
    "with upsert=%s gets 400",
    async (upsert) => {
      const reply = await region.write("PATCH", `${ANN}?upsert=${upsert}`, {});
      expect(reply.status).toBe(400);
      expect(region.service.calls).toHaveLength(0);
    },
  );

  test("of a patch that is no object gets 422", async () => {
    expect((await region.write("PATCH", ANN, ["x"])).status).toBe(422);
  });

  test("of another media type gets 415 and the ones that there are", async () => {
    const headers = { "Content-Type": "application/json" };
    const reply = await region.call("PATCH", ANN, { headers, body: "{}" });
    expect(reply.status).toBe(415);
    expect(reply.headers["accept-patch"]).toBe(
      "application/merge-patch+json, application/json-patch+json, application/vnd.atoll.ops+json",
    );
  });
});

describe("POST", () => {
  test("creates under an id of the service's, never over a profile", async () => {
    const reply = await region.write("POST", "/v1/profiles", { name: "Ann" });
    expect(reply.status).toBe(201);
    expect(reply.headers.location).toBe("/v1/profiles/new-1");
    expect(region.service.calls.at(-1)?.precondition).toEqual({ ifNoneMatch: "*" });
    const read = await region.call("GET", "/v1/profiles/new-1");
    expect(read.text).toBe('{"name":"Ann"}');
    expect(read.headers.etag).toBe(reply.headers.etag);
  });
});

describe("DELETE", () => {
  test("gets 204 with the session's headers, and again", async () => {
    await region.write("PUT", ANN, {});
    for (let i = 0; i < 2; i++) {
      const reply = await region.call("DELETE", ANN, { headers: { Accept: "text/html" } });
      expect(reply.status).toBe(204);
      expect(reply.text).toBe("");
      expect(reply.headers["session-token"]).toBe(FAKE_TOKEN);
    }
    expect((await region.call("GET", ANN)).status).toBe(404);
  });

  test("ignores a body", async () => {
    const reply = await region.call("DELETE", ANN, { body: "whatever" });
    expect(reply.status).toBe(204);
  });
});

describe("Prefer: return", () => {
  const minimal = { Prefer: "return=minimal" };

  test("minimal leaves the body of 200 and 201 away, and keeps their headers", async () => {
    const created = await region.write("PUT", ANN, {}, minimal);
    expect(created.status).toBe(201);
    expect(created.headers.location).toBe(ANN);
    for (const method of ["PUT", "PATCH"]) {
      const reply = await region.write(method, ANN, { age: 7 }, minimal);
      expect(reply.status).toBe(204);
      expect(reply.headers.etag).toMatch(/^"/);
      expect(reply.headers["session-token"]).toBe(FAKE_TOKEN);
      expect(reply.headers["document-heads"]).toBeDefined();
      expect(reply.headers).not.toHaveProperty("content-type");
    }
    for (const reply of [created, await region.write("POST", "/v1/profiles", {}, minimal)]) {
      expect(reply.text).toBe("");
      expect(reply.headers["preference-applied"]).toBe("return=minimal");
    }
  });

  test("representation is what there is anyway, and is confirmed", async () => {
    const reply = await region.write("PUT", ANN, {}, { Prefer: "return=representation" });
    expect(reply.text).toBe("{}");
    expect(reply.headers["preference-applied"]).toBe("return=representation");
  });

  test("is not confirmed by DELETE, which has nothing to return", async () => {
    const reply = await region.call("DELETE", ANN, { headers: minimal });
    expect(reply.headers).not.toHaveProperty("preference-applied");
  });
});

describe("preconditions", () => {
  test("reach the service as tags without quotes", async () => {
    const tag = "AAAAAAAAAAAAAAAAAAAAAA";
    const headers = { "If-Match": `"${tag}+gzip", W/"weak"`, "If-None-Match": '"b"' };
    await region.write("PUT", ANN, {}, headers);
    const { precondition } = region.service.calls.at(-1) ?? {};
    expect(precondition).toEqual({ ifMatch: [tag], ifNoneMatch: ["b"] });
  });

  test("that fail get 412 with the current tag", async () => {
    const { etag } = (await region.write("PUT", ANN, {})).headers;
    const failing = [
      { "If-Match": '"other"' },
      { "If-None-Match": "*" },
      { "If-Match": `W/${etag}` },
    ];
    for (const headers of failing) {
      for (const method of ["PUT", "PATCH", "DELETE"]) {
        const reply = await region.write(method, ANN, {}, headers);
        expect(reply.status).toBe(412);
        expect(reply.headers.etag).toBe(etag);
      }
    }
  });

  test("that hold let the write through", async () => {
    const { etag } = (await region.write("PUT", ANN, {})).headers;
    const reply = await region.write("PUT", ANN, { age: 7 }, { "If-Match": etag });
    expect(reply.status).toBe(200);
  });

  test("If-Match on an absent profile gets 412 without a tag", async () => {
    for (const method of ["PUT", "PATCH", "DELETE"]) {
      const reply = await region.write(method, ANN, {}, { "If-Match": "*" });
      expect(reply.status).toBe(412);
      expect(reply.headers).not.toHaveProperty("etag");
    }
  });

  test("that are malformed get 400, and nothing is written", async () => {
    for (const method of ["PUT", "PATCH", "DELETE"]) {
      const reply = await region.write(method, ANN, {}, { "If-Match": "v1" });
      expect(reply.status).toBe(400);
    }
    expect(region.service.calls).toHaveLength(0);
  });
});
