import { afterEach, beforeEach, expect, test } from "vitest";
import { Loopback } from "./loopback.ts";

const APP = "https://app.example";
let loopback: Loopback;
beforeEach(() => {
  loopback = new Loopback();
});
afterEach(() => loopback.close());

const asking = (origin: string) => ({
  headers: { Origin: origin, "Access-Control-Request-Method": "PATCH" },
});

test("a page of a named origin may call, and see what answers carry", async () => {
  await loopback.open("public", { corsOrigins: [APP] });
  const asked = await loopback.call("OPTIONS", "/v1/profiles/ada", asking(APP));
  expect(asked.status).toBe(204);
  expect(asked.headers).toMatchObject({
    "access-control-allow-origin": APP,
    "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
    "access-control-max-age": "600",
    vary: "Origin",
  });
  expect(asked.headers["access-control-allow-headers"]).toContain("Session-Token");
  await loopback.write("PUT", "/v1/profiles/ada", { name: "Ada" });
  const read = await loopback.call("GET", "/v1/profiles/ada", { headers: { Origin: APP } });
  expect(read.headers["access-control-allow-origin"]).toBe(APP);
  expect(read.headers["access-control-expose-headers"]).toContain("ETag");
  expect(read.headers["access-control-allow-credentials"]).toBeUndefined();
  expect(read.headers.vary).toBe("Accept, Accept-Encoding, Authorization, Origin");
});

test("a page of another origin, and any page where none is named, is not let in", async () => {
  await loopback.open("public", { corsOrigins: [APP] });
  const other = await loopback.call("OPTIONS", "/v1/profiles/ada", asking("https://evil.example"));
  expect(other.headers["access-control-allow-origin"]).toBeUndefined();
  expect(other.headers.vary).toBe("Origin"); // or a cache would serve the one to the other
  await loopback.close();
  loopback = new Loopback();
  await loopback.open("public");
  const none = await loopback.call("OPTIONS", "/v1/profiles/ada", asking(APP));
  expect(none.headers["access-control-allow-origin"]).toBeUndefined();
});

test("requests are logged by route when that is asked for, with their trace, and never by profile", async () => {
  await loopback.open("public", { logRequests: true });
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const headers = { "Request-Id": "r1", traceparent };
  const answer = await loopback.call("GET", "/v1/profiles/ada", { headers });
  expect(answer.headers["server-timing"]).toMatch(/^app;dur=\d+\.\d\d$/);
  const lines = loopback.log.lines.filter(({ event }) => event === "request");
  expect(lines).toEqual([
    {
      level: "info",
      event: "request",
      fields: {
        requestId: "r1",
        method: "GET",
        route: "/v1/profiles/:id",
        status: 404,
        ms: 0,
        principal: "open",
        traceId: "0af7651916cd43dd8448eb211c80319c",
      },
    },
  ]);
});
