import { EventEmitter } from "node:events";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { AtollError, ManualClock, ROLES, SeededRandom, limits } from "@atoll/core";
import type { Role } from "@atoll/core";
import type { Reply } from "./answer.ts";
import { ApiKeys, makeApiKey } from "./api-keys.ts";
import { Credentials } from "./credentials.ts";
import type { GatekeeperOptions } from "./gatekeeper.ts";
import { Gatekeeper } from "./gatekeeper.ts";
import { TOKEN_AHEAD } from "./fake-service.ts";
import { Loopback } from "./loopback.ts";
import { POLICY } from "./policy.ts";
import type { Permission } from "./principal.ts";

const random = new SeededRandom("gatekeeper");
const made = ROLES.map((role) => ({ role, ...makeApiKey(role, random) }));
const credentials = new Credentials(
  new ApiKeys(made.map(({ role, hash }) => ({ id: role, hash, roles: [role] }))),
  undefined,
);

function bearer(role: Role): { Authorization: string } {
  return { Authorization: `Bearer ${made.find((each) => each.role === role)?.key ?? ""}` };
}

let loopback: Loopback;
beforeEach(() => {
  loopback = new Loopback();
});
afterEach(() => loopback.close());

async function open(app: "public" | "admin", options: Partial<GatekeeperOptions> = {}) {
  const gate = new Gatekeeper({ clock: loopback.clock, credentials, ...options });
  await loopback.open(app, { gate });
  return gate;
}

/** Written by hand and not derived from the product's table: who may do what. */
const MAY: Readonly<Record<Permission, readonly Role[]>> = {
  anybody: ["reader", "writer", "auditor", "operator"],
  read: ["reader", "writer", "auditor"],
  write: ["writer"],
  audit: ["auditor"],
  observe: ["auditor", "operator"],
  operate: ["operator"],
};

const routes = Object.entries(POLICY).map(([route, { permission }]) => {
  const [method = "", path = ""] = route.split(" ");
  const app = path.startsWith("/admin/") || path === "/metrics" ? "admin" : "public";
  return {
    route,
    method,
    path: path.replaceAll(/(?<!\\):(\w+)/g, "$1").replace("\\:", ":"),
    app,
    permission,
  } as const;
});

describe("every route", () => {
  test.each(routes)("$route is for those who may $permission", async (each) => {
    await open(each.app);
    const call = (headers: Record<string, string>) =>
      loopback.call(each.method, each.path, {
        headers: { "Content-Type": "application/json", ...headers },
        ...(each.method !== "GET" && each.method !== "DELETE" && { body: "{}" }),
      });
    const nobody = await call({});
    expect(nobody.status === 401).toBe(each.permission !== "anybody");
    for (const role of ROLES) {
      const answer = await call(bearer(role));
      const permitted = MAY[each.permission].includes(role);
      expect([role, answer.status === 403]).toEqual([role, !permitted]);
      expect(answer.status).not.toBe(401);
      // A line of the policy without a route would end here.
      if (permitted) expect(answer.text).not.toContain("nothing is at this path");
      if (permitted) expect(answer.status).not.toBe(405);
    }
  });
});

describe("a request without a good credential", () => {
  test("is told how to authenticate, and nothing was read of it", async () => {
    await open("public");
    const answer = await loopback.write("PUT", "/v1/profiles/a", { name: "A" });
    expect(answer.status).toBe(401);
    expect(answer.headers["www-authenticate"]).toBe('Bearer realm="atoll"');
    expect(answer.json()["type"]).toBe("https://atoll.dev/problems/unauthenticated");
    expect(loopback.service.calls).toEqual([]);
  });

  test.each([
    "Basic YTpi",
    "Bearer",
    "Bearer a b",
    `Bearer ${"a".repeat(limits.CREDENTIAL_CHARS_MAX + 1)}`,
  ])("is refused for %s", async (authorization) => {
    await open("public");
    const headers = { Authorization: authorization };
    const answer = await loopback.call("GET", "/v1/profiles/a", { headers });
    expect(answer.status).toBe(401);
  });

  test("may not guess for ever: refusals of one address are limited, good credentials are not", async () => {
    await open("public");
    const headers = { Authorization: "Bearer atoll_x_y" };
    const guess = () => loopback.call("GET", "/v1/profiles/a", { headers });
    for (let i = 0; i < limits.REFUSALS_BURST; i++) expect((await guess()).status).toBe(401);
    const limited = await guess();
    expect(limited.status).toBe(429);
    expect(limited.headers["retry-after"]).toBe("1");
    const good = await loopback.call("GET", "/v1/profiles/a", { headers: bearer("reader") });
    expect(good.status).toBe(404);
  });
});

describe("a rate", () => {
  test("is told in every answer, and kept", async () => {
    await open("public", { rates: { writes: { perSecond: 1, burst: 2 } } });
    const write = () => loopback.write("PUT", "/v1/profiles/a", { name: "A" }, bearer("writer"));
    const first = await write();
    expect(first.headers["ratelimit-policy"]).toBe('"writes";q=2;w=2');
    expect(first.headers["ratelimit"]).toBe('"writes";r=1;t=1');
    expect((await write()).status).toBe(200);
    const third = await write();
    expect(third.status).toBe(429);
    expect(third.headers["retry-after"]).toBe("1");
    expect(third.headers["ratelimit"]).toBe('"writes";r=0;t=2');
    const read = await loopback.call("GET", "/v1/profiles/a", { headers: bearer("writer") });
    expect(read.status).toBe(200);
    loopback.clock.advance(1_000);
    expect((await write()).status).toBe(200);
  });
});

describe("an overloaded process", () => {
  test("refuses writes and goes on answering reads", async () => {
    const refusal = () => new AtollError("overloaded", "this region has more work than time");
    await open("public", { refusal });
    const write = await loopback.write("PUT", "/v1/profiles/a", {}, bearer("writer"));
    expect(write.status).toBe(503);
    expect(write.headers["retry-after"]).toBe("1");
    const read = await loopback.call("GET", "/v1/profiles/a", { headers: bearer("reader") });
    expect(read.status).toBe(404);
  });

  test("refuses a kind of request of which too many are under way, and no other", async () => {
    const underWayMax = { ...limits.UNDER_WAY_MAX, read: 2 };
    const gate = await open("public", { underWayMax });
    loopback.service.waitsForEver = true;
    const headers = { ...bearer("reader"), "Session-Token": TOKEN_AHEAD };
    const read = () => loopback.call("GET", "/v1/profiles/a", { headers });
    const waiting = [read(), read()];
    void Promise.allSettled(waiting);
    await expect.poll(() => gate.underWay.read).toBe(2);
    expect((await read()).status).toBe(503);
    const write = await loopback.write("PUT", "/v1/profiles/a", {}, bearer("writer"));
    expect(write.status).not.toBe(503);
  });
});

test("answers that nobody takes have a bound together, unless what was done must be told", () => {
  const gate = new Gatekeeper({ clock: new ManualClock() });
  const client = () => {
    const events = new EventEmitter();
    return { reply: events as unknown as Reply, leave: () => events.emit("close") };
  };
  const [first, second, third] = [client(), client(), client()];
  const half = limits.ANSWERS_UNSENT_BYTES_MAX / 2;
  gate.holdAnswer(first.reply, half, false);
  gate.holdAnswer(second.reply, half, false);
  expect(() => gate.holdAnswer(third.reply, 1, false)).toThrow("too many large answers");
  gate.holdAnswer(third.reply, 1, true);
  third.leave();
  first.leave();
  gate.holdAnswer(third.reply, half, false);
});
