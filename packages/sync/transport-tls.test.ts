import { once } from "node:events";
import { createServer } from "node:http";
import { connect as connectPlain } from "node:net";
import type { AddressInfo } from "node:net";
import { connect as connectTls } from "node:tls";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { MemoryLog, must } from "@atoll/core";
import type { TestAuthority } from "./certificates.fixture.ts";
import { makeAuthority, makeCertificate } from "./certificates.fixture.ts";
import type { LinkTls } from "./peer-certificate.ts";
import { Recorder, transportConformance } from "./transport.conformance.ts";
import { WebSocketTransport } from "./websocket-transport.ts";

let authority: TestAuthority;
let us: LinkTls;
let eu: LinkTls;
const open: WebSocketTransport[] = [];

beforeAll(async () => {
  authority = await makeAuthority("test CA");
  us = await makeCertificate(authority, { region: "us-east-1" });
  eu = await makeCertificate(authority, { region: "eu-west-1" });
});
afterEach(async () => {
  for (const transport of open.splice(0)) await transport.stop();
});

transportConformance("WebSocket over mutual TLS", async () => {
  const dialler = side(us);
  const listener = side(eu);
  const port = await listener.transport.listen();
  const dead = side(eu);
  const deadPort = await dead.transport.listen();
  await dead.transport.stop();
  return {
    dialler: dialler.transport,
    listener: listener.transport,
    url: `wss://127.0.0.1:${port}`,
    deadUrl: `wss://127.0.0.1:${deadPort}`,
    until,
    async close() {
      await dialler.transport.stop();
      await listener.transport.stop();
    },
  };
});

describe("who the peer is", () => {
  test("is told to both ends by the certificate of the other, whatever the host is called", async () => {
    const { dialler, listener } = await linked(us, eu);
    expect(dialler.heard.identities).toEqual(["eu-west-1"]);
    expect(listener.heard.identities).toEqual(["us-east-1"]);
  });

  test("is not told when certificates are not asked for", async () => {
    const { dialler, listener } = await linked(undefined, undefined);
    expect([...dialler.heard.identities, ...listener.heard.identities]).toEqual([
      undefined,
      undefined,
    ]);
  });
});

describe("a peer that is refused by the listener", () => {
  const cases: [string, () => Promise<LinkTls | undefined>, string, RegExp][] = [
    ["without tls at all", () => Promise.resolve(undefined), "not-tls", /^not-plain: .*wss:/],
    [
      "with a certificate of another CA",
      async () => trusting(await makeCertificate(await makeAuthority("test CA"))),
      "untrusted",
      /^refused-by-peer/,
    ],
    [
      "with a certificate that has expired",
      () => makeCertificate(authority, { notBeforeDays: -5, notAfterDays: -1 }),
      "expired",
      /^refused-by-peer/,
    ],
    [
      "with a certificate that is not valid yet",
      () => makeCertificate(authority, { notBeforeDays: 1 }),
      "not-yet-valid",
      /^refused-by-peer/,
    ],
    [
      "with a certificate that may only serve",
      () => makeCertificate(authority, { usages: ["serverAuth"] }),
      "untrusted",
      /^refused-by-peer/,
    ],
    [
      "with a certificate of another cluster",
      () =>
        makeCertificate(authority, { clusterId: "other" }).then((tls) => ({
          ...tls,
          clusterId: "test",
        })),
      "no-region",
      /403/,
    ],
    [
      "with a host name that looks like a region",
      () =>
        makeCertificate(authority, { uris: [], dns: ["a, URI:atoll://test/region/us-east-1, b"] }),
      "no-region",
      /403/,
    ],
    [
      "with a certificate of two regions",
      () =>
        makeCertificate(authority, {
          uris: ["atoll://test/region/us-east-1", "atoll://test/region/eu-west-1"],
        }),
      "no-region",
      /403/,
    ],
  ];
  test.each(cases)(
    "%s is named at both ends, and honest links live on",
    async (_name, make, code, reason) => {
      const { dialler, listener } = await linked(us, eu);
      const hostile = side(await make());
      const scheme = _name === "without tls at all" ? "ws" : "wss";
      hostile.transport.dial(`${scheme}://127.0.0.1:${listener.port}`);
      await until("refused", () => hostile.heard.downs.length === 1);
      await until("told", () => listener.log.lines.length > 0);
      expect(hostile.heard.downs[0]?.reason).toMatch(reason);
      expect(listener.log.lines).toEqual([
        {
          level: "warn",
          event: "peer-refused",
          fields: { from: "127.0.0.1", code, detail: expect.any(String) as string },
        },
      ]);
      expect(listener.heard.ups).toHaveLength(1);
      dialler.transport.send(must(dialler.heard.ups[0], "link").link, Uint8Array.of(1));
      await until("honest frame", () => listener.heard.frames.length === 1);
    },
  );

  test("without a certificate is named", async () => {
    const { listener } = await linked(us, eu);
    const bare = connectTls({
      port: listener.port,
      host: "127.0.0.1",
      ca: us.ca,
      checkServerIdentity: () => undefined,
    });
    const errors: string[] = [];
    bare.on("error", (error: NodeJS.ErrnoException) => errors.push(error.code ?? ""));
    bare.resume();
    await until("closed", () => bare.closed);
    expect(errors).toEqual(["ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED"]);
    expect(listener.log.lines).toMatchObject([{ fields: { code: "no-certificate" } }]);
  });

  test("because it speaks TLS 1.2 only is named", async () => {
    const { listener } = await linked(us, eu);
    const { ca, cert, key } = us;
    const old = connectTls({
      port: listener.port,
      host: "127.0.0.1",
      ca,
      cert,
      key,
      maxVersion: "TLSv1.2",
    });
    old.on("error", () => undefined);
    await until("closed", () => old.closed);
    expect(listener.log.lines).toMatchObject([{ fields: { code: "not-tls" } }]);
  });
});

describe("a listener that is refused by the dialler", () => {
  const cases: [string, () => Promise<LinkTls>, string][] = [
    [
      "with a certificate of another CA",
      async () => trusting(await makeCertificate(await makeAuthority("test CA"))),
      "untrusted",
    ],
    [
      "with a certificate that has expired",
      () => makeCertificate(authority, { notBeforeDays: -5, notAfterDays: -1 }),
      "expired",
    ],
    [
      "with a certificate of another cluster",
      () => makeCertificate(authority, { clusterId: "other" }),
      "no-region",
    ],
  ];
  test.each(cases)("%s is named, once for all redials", async (_name, make, code) => {
    const listener = side(await make());
    const port = await listener.transport.listen();
    const dialler = side(us);
    for (let dials = 1; dials <= 2; dials++) {
      dialler.transport.dial(`wss://localhost:${port}`);
      await until("down", () => dialler.heard.downs.length === dials);
    }
    expect(dialler.heard.downs[1]?.reason).toMatch(new RegExp(`^${code}: `));
    expect(dialler.heard.ups).toEqual([]);
    expect(dialler.log.lines).toMatchObject([{ event: "dial-refused", fields: { code } }]);
  });

  test("because it speaks plain WebSocket is named", async () => {
    const listener = side(undefined);
    const port = await listener.transport.listen();
    const dialler = side(us);
    dialler.transport.dial(`wss://127.0.0.1:${port}`);
    dialler.transport.dial(`ws://127.0.0.1:${port}`); // no way around it either
    await until("down", () => dialler.heard.downs.length === 2);
    for (const { reason } of dialler.heard.downs) expect(reason).toMatch(/^not-tls: /);
    expect(dialler.heard.ups).toEqual([]);
  });
});

describe("a renewed certificate", () => {
  test("is shown on new links, and links that are up live on", async () => {
    const { dialler, listener } = await linked(us, eu);
    listener.transport.renewTls(await makeCertificate(authority, { region: "ap-south-1" }));
    dialler.transport.renewTls(await makeCertificate(authority, { region: "af-south-1" }));
    dialler.transport.dial(`wss://127.0.0.1:${listener.port}`);
    await until(
      "second link",
      () => listener.heard.ups.length === 2 && dialler.heard.ups.length === 2,
    );
    expect(dialler.heard.identities).toEqual(["eu-west-1", "ap-south-1"]);
    expect(listener.heard.identities).toEqual(["us-east-1", "af-south-1"]);
    dialler.transport.send(must(dialler.heard.ups[0], "first").link, Uint8Array.of(9));
    await until("frame on the first", () => listener.heard.frames.length === 1);
    expect([dialler.heard.downs, listener.heard.downs]).toEqual([[], []]);
  });

  test("of another CA links with the old while both are trusted, and not any more after", async () => {
    const next = await makeAuthority("next CA");
    const both = authority.cert + next.cert;
    const listener = side({ ...eu, ca: both });
    const port = await listener.transport.listen();
    const renewed = { ...(await makeCertificate(next)), ca: both };
    for (const [index, tls] of [{ ...us, ca: both }, renewed].entries()) {
      const dialler = side(tls);
      dialler.transport.dial(`wss://127.0.0.1:${port}`);
      await until("up", () => listener.heard.ups.length === index + 1);
    }
    listener.transport.renewTls({ ...eu, ca: next.cert });
    const late = side({ ...us, ca: both });
    late.transport.dial(`wss://127.0.0.1:${port}`);
    await until("down", () => late.heard.downs.length === 1);
    await until("told", () => listener.log.lines.length === 1);
    expect(listener.log.lines).toMatchObject([{ fields: { code: "untrusted" } }]);
  });

  test("is not got around by resuming a session of before", async () => {
    const { listener } = await linked(us, eu);
    const sessions: Buffer[] = [];
    const { ca, cert, key } = us;
    const socket = connectTls({
      port: listener.port,
      host: "127.0.0.1",
      ca,
      cert,
      key,
      checkServerIdentity: () => undefined,
    });
    socket.on("session", (session: Buffer) => sessions.push(session));
    socket.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    await once(socket, "data");
    socket.destroy();
    const again = connectTls({
      port: listener.port,
      host: "127.0.0.1",
      ca,
      cert,
      key,
      checkServerIdentity: () => undefined,
      ...(sessions[0] && { session: sessions[0] }),
    });
    await once(again, "secureConnect");
    expect(again.isSessionReused()).toBe(false);
    again.destroy();
  });
});

test("stopping does not wait for who connected and says nothing", async () => {
  const listener = side(eu);
  const port = await listener.transport.listen();
  const silent = connectPlain({ port, host: "127.0.0.1" });
  silent.on("error", () => undefined);
  await once(silent, "connect");
  await listener.transport.stop();
  silent.destroy();
});

test("a dial that meets something else than TLS 1.3 or a WebSocket says what to look at", async () => {
  const other = createServer((_request, response) => response.end("hello"));
  other.listen(0, "127.0.0.1");
  await once(other, "listening");
  const dialler = side(us);
  dialler.transport.dial(`wss://127.0.0.1:${(other.address() as AddressInfo).port}`);
  await until("down", () => dialler.heard.downs.length === 1);
  expect(dialler.heard.downs[0]?.reason).toMatch(/^not-tls: .*wss:\/\//);
  other.close();
});

interface Side {
  readonly transport: WebSocketTransport;
  readonly heard: Recorder;
  readonly log: MemoryLog;
}

function side(tls: LinkTls | undefined): Side {
  const log = new MemoryLog();
  const transport = new WebSocketTransport({ listen: { host: "127.0.0.1", port: 0 }, log, tls });
  const heard = new Recorder();
  transport.attach(heard);
  open.push(transport);
  return { transport, heard, log };
}

async function linked(ours: LinkTls | undefined, theirs: LinkTls | undefined) {
  const listener = side(theirs);
  const port = await listener.transport.listen();
  const dialler = side(ours);
  dialler.transport.dial(`${ours === undefined ? "ws" : "wss"}://127.0.0.1:${port}`);
  await until("up", () => dialler.heard.ups.length === 1 && listener.heard.ups.length === 1);
  return { dialler, listener: { ...listener, port } };
}

/** Shows a strange certificate and believes the usual CA. */
function trusting(tls: LinkTls): LinkTls {
  return { ...tls, ca: authority.cert };
}

/** Gives the event loop turns until the condition holds; the test's own timeout bounds it. */
async function until(_what: string, condition: () => boolean): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  while (!condition()) {
    port2.postMessage(undefined);
    await once(port1, "message");
  }
  port1.close();
  port2.close();
}
