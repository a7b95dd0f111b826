/** What strangers send: each gets its answer, and the application is alive after all of them. */
import { connect } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { limits } from "@atoll/core";
import { Loopback } from "./loopback.ts";

const ANN = "/v1/profiles/ann";
const JSON_HEADERS = { "Content-Type": "application/json" };
/** The beginning of a write by hand; a body's length and the body follow. */
const PUT_ANN = `PUT ${ANN} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n`;
let region: Loopback;
let unhandled = 0;
const count = (): void => void unhandled++;

beforeAll(() => {
  process.on("unhandledRejection", count);
  process.on("uncaughtExceptionMonitor", count);
});
afterAll(() => {
  process.off("unhandledRejection", count);
  process.off("uncaughtExceptionMonitor", count);
});
beforeEach(async () => {
  region = new Loopback();
  await region.open();
});
afterEach(async () => {
  expect((await region.write("PUT", "/v1/profiles/alive", {})).status).toBe(201);
  expect(region.log.lines).toEqual([]);
  expect(unhandled).toBe(0);
  await region.close();
});

const nested = (depth: number) => '{"a":'.repeat(depth) + "1" + "}".repeat(depth);

describe("bodies", () => {
  test.each([
    ["not JSON", "{", 400],
    ["JSON with a tail", "{} {}", 400],
    ["single quotes", "{'a':1}", 400],
    ["not UTF-8", Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 400],
    ["NUL bytes", Buffer.alloc(100), 400],
    ["as deep as allowed", nested(limits.JSON_DEPTH_MAX), 201],
    ["one deeper", nested(limits.JSON_DEPTH_MAX + 1), 422],
    ["thousands deep", nested(5_000), 422],
    ["brackets only", "[".repeat(60_000), 422],
    ["__proto__", '{"__proto__":{"admin":true}}', 422],
    ["a number beyond doubles", '{"a":1e400}', 422],
    ["a number that loses digits", '{"a":9007199254740993}', 422],
    ["a lone surrogate", '{"a":"\\ud800"}', 422],
    ["constructor", '{"constructor":{"prototype":1}}', 201],
  ])("%s", async (_name, body, status) => {
    const reply = await region.call("PUT", ANN, { headers: JSON_HEADERS, body });
    expect(reply.status).toBe(status);
    if (status >= 400) expect(reply.headers["content-type"]).toBe("application/problem+json");
    expect({}).not.toHaveProperty("admin");
  });

  test("many values are refused with a bounded list of faults", async () => {
    const body = JSON.stringify({ a: Array.from({ length: 5_000 }, () => 0) });
    const reply = await region.call("PUT", ANN, { headers: JSON_HEADERS, body });
    expect(reply.status).toBe(422);
    expect(reply.text.length).toBeLessThan(10_000);
  });

  const full = `{"a":"${"x".repeat(limits.BODY_BYTES_MAX - 8)}"}`;
  test.each([false, true])("64 KiB pass, one byte more gets 413 (chunked: %s)", async (chunked) => {
    const put = (body: string) => region.call("PUT", ANN, { headers: JSON_HEADERS, body, chunked });
    expect(Buffer.byteLength(full)).toBe(limits.BODY_BYTES_MAX);
    expect((await put(full)).status).toBe(201);
    const reply = await put(`${full} `);
    expect(reply.status).toBe(413);
    expect(reply.json()["type"]).toBe("https://atoll.dev/problems/payload-too-large");
    expect((await put(full)).status).toBe(200);
  });

  test("a refused body is answered before it ends, and its connection goes on", async () => {
    const half = "x".repeat(limits.BODY_BYTES_MAX);
    const socket = connect(region.port, "127.0.0.1");
    let text = "";
    socket.on("data", (chunk) => (text += chunk.toString("latin1")));
    socket.write(`${PUT_ANN}Content-Length: ${half.length * 2}\r\n\r\n${half}`);
    await vi.waitFor(() => expect(text).toContain("413"));
    socket.write(`${half}GET /livez HTTP/1.1\r\nHost: a\r\n\r\n`);
    await vi.waitFor(() => expect(text).toContain("HTTP/1.1 200"));
    socket.destroy();
  });

  test("a body without end is answered and then hung up on", async () => {
    const socket = connect(region.port, "127.0.0.1");
    let text = "";
    let closed = false;
    socket.on("data", (chunk) => (text += chunk.toString("latin1")));
    socket.on("error", () => undefined);
    socket.on("close", () => (closed = true));
    const chunk = `${(2 ** 16).toString(16)}\r\n${"x".repeat(2 ** 16)}\r\n`;
    let sent = 0;
    const pump = (): void => {
      while (!closed && socket.write(chunk)) sent += 2 ** 16;
    };
    socket.on("drain", pump);
    socket.write(`${PUT_ANN}Transfer-Encoding: chunked\r\n\r\n`);
    pump();
    await vi.waitFor(() => expect(closed).toBe(true), { timeout: 10_000 });
    expect(text).toContain("HTTP/1.1 413");
    expect(sent).toBeLessThan(64 * limits.BODY_DISCARD_BYTES_MAX); // what the kernel's buffers took
  });

  test("a body that breaks off is nobody's error", async () => {
    const socket = connect(region.port, "127.0.0.1");
    await new Promise((resolve) => {
      socket.on("close", resolve);
      socket.write(`${PUT_ANN}Content-Length: 100\r\n\r\n{"a`, () => socket.destroy());
    });
    expect(region.service.calls).toHaveLength(0);
  });

  test("bad chunks after good ones get 400, and nothing is written", async () => {
    const bytes = `${PUT_ANN}Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\nzz\r\n`;
    expect(await region.exchange(bytes)).toMatch(/^HTTP\/1\.1 400 /);
    expect(region.service.calls).toHaveLength(0);
  });
});

describe("ids", () => {
  test.each([
    ["a".repeat(128), 404],
    ["A0._:~-", 404],
    ["a%2Db", 404],
    ["a".repeat(129), 400],
    ["-a", 400],
    ["a%20b", 400],
    ["a%00", 400],
    ["a%2Fb", 400],
    ["..%2f..%2fetc", 400],
    ["caf%C3%A9", 400],
    ["%", 400],
    ["%zz", 400],
    ["%C3", 400],
    ["%ED%A0%80", 400],
    ["a+b", 400],
    ["__proto__", 400],
  ])("%s gets %i", async (id, status) => {
    const before = region.service.calls.length;
    const reply = await region.call("GET", `/v1/profiles/${id}`);
    expect(reply.status).toBe(status);
    expect(reply.headers["content-type"]).toBe("application/problem+json");
    expect(region.service.calls).toHaveLength(status === 404 ? before + 1 : before);
  });

  test("a name of Object's is a name like any other", async () => {
    const reply = await region.call("GET", "/v1/profiles/constructor?constructor=1&__proto__=2");
    expect(reply.status).toBe(404);
  });
});

describe("bytes that are hardly HTTP", () => {
  const end = "Host: a\r\nConnection: close\r\n\r\n";
  test.each([
    ["nonsense", "hello\r\n\r\n", 400],
    ["TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400],
    ["no Host", `GET ${ANN} HTTP/1.1\r\n\r\n`, 400],
    [
      "two lengths",
      `PUT ${ANN} HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n${end}{}`,
      400,
    ],
    ["a length in a list", `PUT ${ANN} HTTP/1.1\r\nContent-Length: 2, 2\r\n${end}{}`, 400],
    ["a negative length", `PUT ${ANN} HTTP/1.1\r\nContent-Length: -1\r\n${end}{}`, 400],
    [
      "a length and chunks",
      `PUT ${ANN} HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n${end}0\r\n\r\n`,
      400,
    ],
    [
      "an unknown transfer coding",
      `PUT ${ANN} HTTP/1.1\r\nTransfer-Encoding: chunked, foo\r\n${end}0\r\n\r\n`,
      400,
    ],
    [
      "two types",
      `PUT ${ANN} HTTP/1.1\r\nContent-Type: application/json\r\nContent-Type: text/plain\r\n` +
        `Content-Length: 2\r\n${end}{}`,
      400,
    ],
    ["a folded header", `GET ${ANN} HTTP/1.1\r\nAccept: a\r\n b\r\n${end}`, 400],
    ["a space before the colon", `GET ${ANN} HTTP/1.1\r\nAccept : a\r\n${end}`, 400],
    ["a bare carriage return", `GET ${ANN} HTTP/1.1\r\nAccept: a\rb: c\r\n${end}`, 400],
    ["a header too long", `GET ${ANN} HTTP/1.1\r\nX: ${"x".repeat(20_000)}\r\n${end}`, 431],
    ["a path too long", `GET /${"x".repeat(20_000)} HTTP/1.1\r\n${end}`, 431],
    [
      "too many headers",
      `GET ${ANN} HTTP/1.1\r\n${"X: y\r\n".repeat(70)}If-Match: "a"\r\n${end}`,
      431,
    ],
    ["a target that is no URL", `GET http://[::bad/ HTTP/1.1\r\n${end}`, 400],
    ["another scheme", `GET file:///etc/passwd HTTP/1.1\r\n${end}`, 404],
    ["the server as target", `OPTIONS * HTTP/1.1\r\n${end}`, 404],
    ["an absolute target", `GET http://a/livez HTTP/1.1\r\n${end}`, 200],
    ["an upgrade", `GET /livez HTTP/1.1\r\nUpgrade: websocket\r\n${end}`, 200],
    ["an expectation", `GET /livez HTTP/1.1\r\nExpect: miracles\r\n${end}`, 417],
    ["HTTP/1.0", "GET /livez HTTP/1.0\r\n\r\n", 200],
    ["two slashes", `GET //v1/profiles/ann HTTP/1.1\r\n${end}`, 404],
    ["an unencoded byte", `GET /v1/profiles/\xe9 HTTP/1.1\r\n${end}`, 400],
  ])("%s", async (_name, bytes, status) => {
    const answer = await region.exchange(bytes);
    expect(answer.slice(0, 12)).toBe(`HTTP/1.1 ${status}`);
    expect(answer).not.toContain("<html");
    expect(region.service.calls).toHaveLength(0);
  });

  test("what follows a request in doubt is not taken for a request", async () => {
    const smuggled = `GET /livez HTTP/1.1\r\n${end}`;
    const bytes =
      `PUT ${ANN} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n` +
      `Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`;
    const answer = await region.exchange(bytes);
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
  });
});

describe("headers", () => {
  test.each([
    ["Prefer", '"'.repeat(4_000), 404],
    ["Prefer", "wait=".repeat(2_000), 404],
    ["Accept", "a/b,".repeat(3_000), 406],
    ["Accept", "*/*;q=".repeat(2_000), 406],
    ["If-None-Match", '"a",'.repeat(3_000), 400],
    ["If-Match", "*,*", 400],
    ["Session-Token", "x".repeat(12_000), 400],
    ["Request-Id", "x".repeat(12_000), 404],
    ["X-HTTP-Method-Override", "DELETE", 404],
    ["Range", "bytes=0-1", 404],
  ])("%s: %.20s… gets an answer", async (name, value, status) => {
    const reply = await region.call("GET", ANN, { headers: { [name]: value } });
    expect(reply.status).toBe(status);
  });

  test("a client that leaves while its write is under way does not hinder it", async () => {
    const { service } = region;
    const write = service.write.bind(service);
    const entered = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const settled = Promise.withResolvers<void>();
    service.write = async (...call) => {
      entered.resolve();
      await gate.promise;
      return write(...call).finally(() => settled.resolve());
    };
    const socket = connect(region.port, "127.0.0.1");
    socket.write(`${PUT_ANN}Content-Length: 2\r\n\r\n{}`);
    await entered.promise;
    const closed = new Promise((resolve) => socket.on("close", resolve));
    socket.destroy();
    await closed;
    gate.resolve();
    await settled.promise;
    service.write = write;
  });
});
