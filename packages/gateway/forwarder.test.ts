/** A session that this region has not caught up with is served by the one that has, and by no other. */
import { createServer } from "node:http";
import type { IncomingMessage, RequestListener, Server, ServerResponse } from "node:http";
import { request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { limits } from "@atoll/core";
import { FAKE_TOKEN, TOKEN_AHEAD } from "./fake-service.ts";
import { Loopback } from "./loopback.ts";
import type { OpenOptions } from "./loopback.ts";

const ANN = "/v1/profiles/ann";
const AHEAD = { "Session-Token": TOKEN_AHEAD };
/** Nobody listens there: the port of a server that was closed. */
let nowhere: URL;
let eu: Loopback;
let us: Loopback;
const servers: Server[] = [];

beforeEach(async () => {
  us = new Loopback();
  us.service.isAhead = true;
  await us.open("public", { region: "us" });
  const gone = new Loopback();
  await gone.open();
  nowhere = gone.url;
  await gone.close();
  eu = new Loopback();
});
afterEach(async () => {
  await eu.close();
  await us.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

function open(url: URL = us.url, forwardBounds?: OpenOptions["forwardBounds"]): Promise<void> {
  const bounds = forwardBounds === undefined ? {} : { forwardBounds };
  return eu.open("public", { forwardTo: new Map([["us", url]]), ...bounds });
}

/** Something else than a region at the address of one. */
async function listen(listener: RequestListener): Promise<URL> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

/** Takes requests and never answers; resolves with each as it comes. */
async function stuck(): Promise<{ url: URL; arrived: Promise<[IncomingMessage, ServerResponse]> }> {
  let arrive: (pair: [IncomingMessage, ServerResponse]) => void = () => undefined;
  const arrived = new Promise<[IncomingMessage, ServerResponse]>((resolve) => (arrive = resolve));
  const url = await listen((request, response) => {
    request.resume();
    request.on("end", () => arrive([request, response]));
  });
  return { url, arrived };
}

describe("without a preference for its handling", () => {
  test("a read is answered by the region that has it, as that region answers", async () => {
    await open();
    await us.write("PUT", ANN, { name: "Ann" });
    const direct = await us.call("GET", ANN);
    const reply = await eu.call("GET", ANN, { headers: AHEAD });
    expect(reply.status).toBe(200);
    expect(reply.text).toBe('{"name":"Ann"}');
    expect(reply.headers).toMatchObject({
      "served-by-region": "us",
      "forwarded-by-region": "eu",
      etag: direct.headers.etag,
      "session-token": FAKE_TOKEN,
      "content-length": String(reply.text.length),
    });
    expect(reply.headers).not.toHaveProperty("session-status");
    const { etag } = direct.headers;
    const condition = await eu.call("GET", ANN, { headers: { ...AHEAD, "If-None-Match": etag } });
    expect(condition.status).toBe(304);
    expect((await eu.call("HEAD", ANN, { headers: AHEAD })).headers.etag).toBe(etag);
    expect((await eu.call("GET", "/v1/profiles/nobody", { headers: AHEAD })).status).toBe(404);
    expect(eu.log.lines).toEqual([]);
  });

  test.each([
    ["PUT", ANN, { name: "Ánn", n: [1, 2] }],
    ["PATCH", `${ANN}?upsert=true&x=%2F`, { name: "Ánn" }],
    ["POST", "/v1/profiles", { name: "Ánn" }],
  ])("%s %s is written there with all it came with, and not here", async (method, path, body) => {
    await open();
    const headers = { ...AHEAD, Prefer: "durability=2, wait=4", "Request-Id": "r1" };
    const reply = await eu.write(method, path, body, headers);
    expect(reply.status).toBe(201);
    expect(reply.json()).toEqual(body);
    expect(reply.headers).toMatchObject({ "served-by-region": "us", "request-id": "r1" });
    expect(us.service.calls).toHaveLength(1);
    expect(us.service.calls[0]).toMatchObject({
      session: { token: TOKEN_AHEAD, handling: "strict" },
      options: { receipt: { durability: "2" } },
    });
    const id = us.service.calls[0]?.id;
    expect((await eu.call("GET", `/v1/profiles/${id}`)).status).toBe(404);
  });

  test("the bytes of a body are the client's own, announced or in pieces", async () => {
    const bodies: string[] = [];
    const url = await listen((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        bodies.push(Buffer.concat(chunks).toString());
        const { "content-length": length, "transfer-encoding": coding } = request.headers;
        response.setHeader("Served-By-Region", "us");
        response.end(JSON.stringify([length, coding ?? null, request.url]));
      });
    });
    await open(url);
    const body = `{ "name" :\t"Ann",\n "text": "${"x".repeat(60_000)}" }`;
    const headers = { ...AHEAD, "Content-Type": "application/json" };
    for (const chunked of [false, true]) {
      const reply = await eu.call("PUT", `${ANN}?a=b`, { headers, body, chunked });
      expect(JSON.parse(reply.text)).toEqual([String(body.length), null, `${ANN}?a=b`]);
    }
    expect(bodies).toEqual([body, body]);
  });

  test("DELETE goes along without a body", async () => {
    await open();
    await us.write("PUT", ANN, {});
    const reply = await eu.call("DELETE", ANN, { headers: AHEAD, body: "whatever" });
    expect(reply.status).toBe(204);
    expect((await us.call("GET", ANN)).status).toBe(404);
  });

  test("half of the time is spent here, and the other region is told what is left", async () => {
    await open();
    await eu.call("GET", ANN, { headers: { ...AHEAD, Prefer: "wait=8" } });
    expect(eu.service.calls[0]?.session.waitMs).toBe(4000);
    expect(us.service.calls[0]?.session.waitMs).toBe(8000); // no time has passed on this clock
    const read = eu.service.read.bind(eu.service);
    eu.service.read = async (id, session) => {
      await Promise.resolve();
      eu.clock.advance(session.waitMs);
      return read(id, session);
    };
    await eu.call("GET", ANN, { headers: { ...AHEAD, Prefer: "wait=8" } });
    expect(us.service.calls[1]?.session.waitMs).toBe(4000);
  });

  test("what is of one connection stays there, and the target's host is ours to choose", async () => {
    let seen: IncomingMessage["headers"] = {};
    let target: string | undefined;
    const url = await listen((request, response) => {
      seen = request.headers;
      target = request.url;
      response.setHeader("Served-By-Region", "us");
      response.setHeader("X-Hop", "theirs");
      response.setHeader("Connection", "close, x-hop");
      response.end();
    });
    await open(url);
    const text = await eu.exchange(
      `GET http://elsewhere.example${ANN}?q=1 HTTP/1.1\r\nHost: elsewhere.example\r\n` +
        `Session-Token: ${TOKEN_AHEAD}\r\nConnection: close, x-mine\r\nX-Mine: 1\r\nX-Other: 2\r\n` +
        "TE: trailers\r\n\r\n",
    );
    expect(text).toMatch(/^HTTP\/1\.1 200/);
    expect(text).not.toMatch(/x-hop/i);
    expect(target).toBe(`${ANN}?q=1`);
    expect(seen).toMatchObject({ host: url.host, "x-other": "2", "forwarded-by-region": "eu" });
    expect(seen).not.toHaveProperty("x-mine");
    expect(seen).not.toHaveProperty("te");
  });
});

describe("with one", () => {
  test("strict is refused here and lenient served here: nobody else is asked", async () => {
    await open();
    const strict = await eu.call("GET", ANN, { headers: { ...AHEAD, Prefer: "handling=strict" } });
    expect(strict.status).toBe(503);
    expect(strict.json()).toMatchObject({ missingRegions: ["us"] });
    const lenient = await eu.call("GET", ANN, {
      headers: { ...AHEAD, Prefer: "handling=lenient, wait=2" },
    });
    expect(lenient.headers["session-status"]).toBe("stale");
    expect(us.service.calls).toEqual([]);
    expect(eu.service.calls.at(-1)?.session.waitMs).toBe(2000);
  });
});

describe("no request goes round in circles", () => {
  test("one that was handed on is refused rather than handed on again", async () => {
    const back = new Loopback();
    await back.open("public", { region: "us", forwardTo: new Map([["us", nowhere]]) });
    try {
      await open(back.url);
      const reply = await eu.call("GET", ANN, { headers: AHEAD });
      expect(reply.status).toBe(503);
      expect(reply.headers["served-by-region"]).toBe("us");
      expect(reply.json()).toMatchObject({
        type: "https://atoll.dev/problems/session-not-available",
        missingRegions: ["us"],
      });
      expect(back.service.calls).toHaveLength(1);
    } finally {
      await back.close();
    }
  });

  test.each(["us", "us;wait=0.2", "", ";;;", "eu"])("marked %j is refused", async (mark) => {
    await open();
    const headers = { ...AHEAD, "Forwarded-By-Region": mark, Prefer: "wait=9, handling=lenient" };
    const reply = await eu.call("GET", ANN, { headers });
    expect(reply.status).toBe(503);
    expect(us.service.calls).toEqual([]);
    expect(eu.service.calls[0]?.session.waitMs).toBe(mark.includes("=") ? 200 : 9000);
  });

  test("a region whose own address is given for another's refuses itself", async () => {
    const forwardTo = new Map<string, URL>();
    await eu.open("public", { forwardTo });
    forwardTo.set("us", eu.url);
    expect((await eu.call("GET", ANN, { headers: AHEAD })).status).toBe(503);
    expect(eu.service.calls).toHaveLength(2);
  });
});

describe("a region that does not answer", () => {
  const writing = { ...AHEAD, "Content-Type": "application/json" };

  test.each(["GET", "PUT"])("because it is down: %s is refused by name", async (method) => {
    await open(nowhere);
    const reply = await eu.write(method, ANN, {}, AHEAD);
    expect(reply.status).toBe(503);
    expect(reply.json()).toMatchObject({
      type: "https://atoll.dev/problems/session-not-available",
      detail: expect.stringContaining("us does not answer (ECONNREFUSED)") as string,
      missingRegions: ["us"],
    });
    expect(reply.headers["retry-after"]).toBe("2");
    expect(reply.headers["served-by-region"]).toBe("eu");
    expect(reply.text).not.toContain(nowhere.port);
  });

  test("because nobody knows where it is: as if it were strict", async () => {
    await eu.open("public", { forwardTo: new Map([["ap", us.url]]) });
    expect((await eu.call("GET", ANN, { headers: AHEAD })).status).toBe(503);
    expect(us.service.calls).toEqual([]);
  });

  test("in time: a read may be tried again, of a write nobody knows", async () => {
    for (const method of ["GET", "PUT"]) {
      const region = await stuck();
      const here = new Loopback();
      await here.open("public", {
        forwardTo: new Map([["us", region.url]]),
        forwardBounds: { answerMsMax: 40 },
      });
      const waiting = here.call(method, ANN, {
        headers: { ...writing, Prefer: "wait=1" },
        ...(method === "PUT" && { body: "{}" }),
      });
      await region.arrived;
      here.clock.advance(1039);
      here.clock.advance(1);
      const reply = await waiting;
      expect(reply.json()).toMatchObject(
        method === "GET"
          ? { status: 503, missingRegions: ["us"] }
          : { status: 502, type: "https://atoll.dev/problems/outcome-unknown" },
      );
      expect(reply.json()["detail"]).toContain("no answer within 1040 ms");
      expect(here.log.lines).toHaveLength(method === "GET" ? 0 : 1);
      await here.close();
    }
  });

  test("and cannot be connected to in time: a write was not sent", async () => {
    // Connected is what the forwarder sees, not what the network does: time is up before it can.
    await open(us.url, { connectMsMax: 0 });
    const monotonic = eu.clock.after.bind(eu.clock);
    eu.clock.after = (delayMs, fire) => {
      if (delayMs !== 0) return monotonic(delayMs, fire);
      queueMicrotask(fire);
      return { cancel: () => undefined };
    };
    const reply = await eu.write("PUT", ANN, {}, AHEAD);
    expect(reply.status).toBe(503);
    expect(reply.json()["detail"]).toContain("no connection within 0 ms");
    expect(us.service.calls).toEqual([]);
  });

  test("but hangs up: a write that it had received may have happened", async () => {
    const url = await listen((request) => {
      request.on("end", () => request.socket.destroy()).resume();
    });
    await open(url);
    const put = await eu.write("PUT", ANN, {}, AHEAD);
    expect(put.status).toBe(502);
    expect(put.json()["detail"]).toContain("handed on to us");
    expect(put.headers).not.toHaveProperty("retry-after");
    const get = await eu.call("GET", ANN, { headers: AHEAD });
    expect(get.status).toBe(503);
  });

  test("itself, but something else does at its address: that is no answer", async () => {
    const url = await listen((_request, response) => {
      response.writeHead(404).end("<h1>no such site</h1>");
    });
    await open(url);
    expect((await eu.call("GET", ANN, { headers: AHEAD })).status).toBe(503);
    expect((await eu.write("PUT", ANN, {}, AHEAD)).status).toBe(502);
  });

  test("to the end cuts its client off as well, rather than invent the rest", async () => {
    const url = await listen((_request, response) => {
      response.writeHead(200, { "Served-By-Region": "us", "Content-Length": "100" });
      response.write("{", () => response.destroy());
    });
    await open(url);
    await expect(eu.call("GET", ANN, { headers: AHEAD })).rejects.toThrow();
    const events = (): string[] => eu.log.lines.map(({ event }) => event);
    await vi.waitFor(() => expect(events()).toEqual(["forwarded-answer-cut"]));
  });

  test("holds one of few places, and those who find none are told to come back", async () => {
    const region = await stuck();
    await open(region.url, { forwardsMax: 1 });
    const first = eu.call("GET", ANN, { headers: AHEAD });
    const [, response] = await region.arrived;
    const second = await eu.call("GET", ANN, { headers: AHEAD });
    expect(second.status).toBe(503);
    expect(second.json()["type"]).toBe("https://atoll.dev/problems/overloaded");
    response.writeHead(200, { "Served-By-Region": "us" }).end("1");
    expect((await first).text).toBe("1");
    eu.service.isAhead = true; // here, nobody needs a place
    expect((await eu.call("GET", ANN, { headers: AHEAD })).status).toBe(404);
  });
});

describe("a client that leaves", () => {
  function leaving(): { leave: () => void } {
    const headers = AHEAD;
    const options = { host: "127.0.0.1", port: eu.port, path: ANN, headers };
    const request = httpRequest(options).on("error", () => undefined);
    request.end();
    return { leave: () => request.destroy() };
  }

  test("takes the request to the other region along", async () => {
    const region = await stuck();
    await open(region.url);
    const client = leaving();
    const [request] = await region.arrived;
    const hungUp = new Promise((resolve) => request.socket.once("close", resolve));
    client.leave();
    await hungUp;
    await vi.waitFor(() => expect(eu.log.lines).toEqual([]));
  });

  test("ends the wait of its session", async () => {
    await open();
    eu.service.waitsForEver = true;
    const client = leaving();
    await vi.waitFor(() => expect(eu.service.calls).toHaveLength(1));
    const signal = eu.service.calls[0]?.session.signal;
    expect(signal?.aborted).toBe(false);
    client.leave();
    await vi.waitFor(() => expect(signal?.aborted).toBe(true));
    expect(us.service.calls).toEqual([]);
    expect(eu.log.lines).toEqual([]);
  });

  test("is not one whose request was answered, nor is a request that cannot wait watched", async () => {
    await open();
    eu.service.isAhead = true;
    await eu.call("GET", ANN, { headers: AHEAD });
    await eu.call("GET", ANN);
    const [session, plain] = eu.service.calls.map((call) => call.session);
    expect(session?.signal?.aborted).toBe(false);
    expect(plain?.signal).toBeUndefined();
    expect(plain?.waitMs).toBe(limits.SESSION_WAIT_MS_DEFAULT);
  });
});
