import { createPrivateKey, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, createServer } from "node:tls";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadRegionConfig } from "@atoll/server";
import {
  ManualClock,
  SeededRandom,
  limits,
  must,
  parseRegionName,
  regionOfCertificate,
  systemClock,
  systemRandom,
} from "@atoll/core";
import {
  initCerts,
  issueCert,
  retireAuthorities,
  rotateAuthority,
  rotateCerts,
  showCerts,
} from "./certs.ts";
import { runCommand } from "./main.ts";
import { MemoryTerminal } from "./terminal.ts";

const DAY_MS = 86_400_000;
const US = must(parseRegionName("us-east-1"), "a name");
let scratch = "";
let dir = "";

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "atoll-certs-"));
  dir = join(scratch, "certs");
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

async function atoll(...argv: string[]) {
  const terminal = new MemoryTerminal();
  const exitCode = await runCommand(["certs", ...argv, "--dir", dir], terminal);
  return { exitCode, out: terminal.printed.join("\n"), err: terminal.told.join("\n") };
}

function certificate(...path: string[]): X509Certificate {
  return new X509Certificate(readFileSync(join(dir, ...path)));
}

function text(...path: string[]): string {
  return readFileSync(join(dir, ...path), "utf8");
}

function mode(...path: string[]): number {
  return statSync(join(dir, ...path)).mode & 0o777;
}

describe("init", () => {
  test("makes a CA for ten years whose key only its owner may read, and says what comes next", async () => {
    const { exitCode, err } = await atoll("init", "--cluster", "profiles");
    expect(exitCode).toBe(0);
    expect(err).toContain("Next, for each region: atoll certs issue --region NAME");
    const ca = certificate("ca.crt");
    expect(ca.ca).toBe(true);
    expect(ca.subjectAltName).toBe("URI:atoll://profiles");
    expect(ca.publicKey.asymmetricKeyDetails?.namedCurve).toBe("prime256v1");
    expect(ca.checkPrivateKey(createPrivateKey(text("ca.key")))).toBe(true);
    const days = (ca.validToDate.getTime() - systemClock.nowMs()) / DAY_MS;
    expect(Math.round(days)).toBe(limits.CA_DAYS);
    expect(mode("ca.key")).toBe(0o600);
  });

  test("overwrites nothing", async () => {
    await atoll("init", "--cluster", "profiles");
    const before = [text("ca.key"), text("ca.crt")];
    const again = await atoll("init", "--cluster", "profiles");
    expect(again.exitCode).toBe(1);
    expect(again.err).toMatch(/exists, and nothing is overwritten.*rotate --ca/);
    rmSync(join(dir, "ca.key")); // a CA whose key was put into a safe
    expect((await atoll("init", "--cluster", "profiles")).exitCode).toBe(1);
    expect(text("ca.crt")).toBe(before[1]);
  });
});

describe("issue", () => {
  beforeEach(() => atoll("init", "--cluster", "my profiles, (v2)"));

  test("makes a certificate that a region's configuration accepts as it is printed", async () => {
    const { exitCode, out, err } = await atoll(
      ...["issue", "--region", "us-east-1", "--host", "us.example", "--host", "10.0.0.1"],
    );
    expect(exitCode).toBe(0);
    expect(err).toContain("copy that directory to the region");
    const own = certificate("us-east-1", "region.crt");
    expect(regionOfCertificate(own, "my profiles, (v2)")).toBe("us-east-1");
    expect(own.subjectAltName).toBe(
      "URI:atoll://my%20profiles%2C%20%28v2%29/region/us-east-1, DNS:us.example, IP Address:10.0.0.1",
    );
    expect(mode("us-east-1", "region.key")).toBe(0o600);
    const file = join(scratch, "atoll.yaml");
    writeFileSync(
      file,
      `${out}
region: us-east-1
cluster: { id: "my profiles, (v2)", secret: a secret of many characters, regions: { us-east-1: 1 } }
data: data
listen: { rest: 127.0.0.1:7101, admin: 127.0.0.1:7102, peer: 127.0.0.1:7103 }
`,
    );
    expect(loadRegionConfig({ file, environment: {} }).tls?.cert).toMatch(
      /us-east-1\/region\.crt$/,
    );
  });

  test("overwrites nothing, also for a region that is called ca", async () => {
    await atoll("issue", "--region", "ca");
    const before = text("ca", "region.crt");
    const { exitCode, err } = await atoll("issue", "--region", "ca");
    expect(exitCode).toBe(1);
    expect(err).toContain("atoll certs rotate --region ca");
    expect(text("ca", "region.crt")).toBe(before);
    expect(text("ca", "ca.crt")).toBe(text("ca.crt"));
  });

  test.each([
    ["without a region", []],
    ["with a region that is no name", ["--region", "Mars"]],
    ["with a host that is a URL", ["--region", "mars", "--host", "wss://mars:7103"]],
    ["for no days", ["--region", "mars", "--days", "0"]],
    ["for longer than a key should live", ["--region", "mars", "--days", "5000"]],
  ])("%s is a usage error", async (_name, argv) => {
    expect(await atoll("issue", ...argv)).toMatchObject({ exitCode: 2, out: "" });
    expect(readdirSync(dir).sort()).toEqual(["ca.crt", "ca.key"]);
  });

  test("without a CA says how to make one", async () => {
    rmSync(dir, { recursive: true });
    const { exitCode, err } = await atoll("issue", "--region", "mars");
    expect(exitCode).toBe(1);
    expect(err).toContain("atoll certs init");
  });

  test("gives what Node's own TLS accepts at both ends, and numbers that never repeat", async () => {
    await atoll("issue", "--region", "us-east-1");
    await atoll("issue", "--region", "eu-west-1");
    const end = (region: string) => ({
      ca: text(region, "ca.crt"),
      cert: text(region, "region.crt"),
      key: text(region, "region.key"),
      minVersion: "TLSv1.3" as const,
    });
    const server = createServer({
      ...end("us-east-1"),
      requestCert: true,
      rejectUnauthorized: true,
    });
    server.on("secureConnection", (socket) =>
      socket.end(`${socket.getPeerX509Certificate()?.subject}`),
    );
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const client = connect({
      port,
      host: "127.0.0.1",
      ...end("eu-west-1"),
      checkServerIdentity: () => undefined,
    });
    const [heard] = (await once(client, "data")) as [Buffer];
    expect(heard.toString()).toBe("CN=eu-west-1");
    server.close();
    const serials = ["us-east-1", "eu-west-1"].map(
      (region) => certificate(region, "region.crt").serialNumber,
    );
    expect(new Set([...serials, certificate("ca.crt").serialNumber]).size).toBe(3);
    expect(serials[0]).toMatch(/^[4-7][0-9A-F]{31}$/);
  });
});

describe("rotate", () => {
  beforeEach(async () => {
    await atoll("init", "--cluster", "profiles");
    await atoll(
      "issue",
      "--region",
      "us-east-1",
      "--host",
      "us.example",
      "--host",
      "::1",
      "--days",
      "5",
    );
    await atoll("issue", "--region", "eu-west-1", "--days", "5");
  });

  test("renews every region here, each with its hosts, and leaves nothing half-made", async () => {
    const before = certificate("us-east-1", "region.crt");
    const { exitCode, err } = await atoll("rotate");
    expect(exitCode).toBe(0);
    expect(err).toMatch(
      /eu-west-1 has a new certificate[^]*us-east-1 has a new[^]*without a restart/,
    );
    const after = certificate("us-east-1", "region.crt");
    expect(after.subjectAltName).toBe(before.subjectAltName);
    expect(after.serialNumber).not.toBe(before.serialNumber);
    expect(after.checkPrivateKey(createPrivateKey(text("us-east-1", "region.key")))).toBe(true);
    expect(mode("us-east-1", "region.key")).toBe(0o600);
    expect(after.validToDate.getTime() - before.validToDate.getTime()).toBeGreaterThan(80 * DAY_MS);
    expect(readdirSync(join(dir, "us-east-1")).sort()).toEqual([
      "ca.crt",
      "region.crt",
      "region.key",
    ]);
  });

  test("renews one region, with other hosts, and no other", async () => {
    const other = text("us-east-1", "region.crt");
    await atoll("rotate", "--region", "eu-west-1", "--host", "eu.example");
    expect(certificate("eu-west-1", "region.crt").subjectAltName).toContain("DNS:eu.example");
    expect(text("us-east-1", "region.crt")).toBe(other);
    expect((await atoll("rotate", "--region", "mars")).err).toMatch(
      /no certificate of mars.*issue/,
    );
  });

  test("exchanges the CA in three steps, in each of which all regions trust each other", async () => {
    const old = certificate("ca.crt");
    const trusts = (bundle: string, leaf: X509Certificate): boolean =>
      bundle
        .split(/(?<=-----END CERTIFICATE-----\n)/)
        .some((pem) => leaf.verify(new X509Certificate(pem).publicKey));
    const allTrusted = (): boolean =>
      ["us-east-1", "eu-west-1"].every((region) =>
        trusts(text("us-east-1", "ca.crt"), certificate(region, "region.crt")),
      );

    const first = await atoll("rotate", "--ca");
    expect(first.err).toMatch(
      /1\. copy[^]*2\. atoll certs rotate[^]*3\. atoll certs rotate --retire-ca/,
    );
    expect(text("us-east-1", "ca.crt")).toContain(old.toString().trim());
    expect(text("us-east-1", "ca.crt")).toBe(text("ca.crt"));
    expect(allTrusted()).toBe(true);

    const early = await atoll("rotate", "--retire-ca");
    expect(early).toMatchObject({ exitCode: 1 });
    expect(early.err).toMatch(/eu-west-1, us-east-1 is still signed by an older one/);

    await atoll("rotate", "--region", "us-east-1");
    expect(allTrusted()).toBe(true); // one region of each CA
    await atoll("rotate", "--region", "eu-west-1");
    expect((await atoll("rotate", "--retire-ca")).exitCode).toBe(0);
    expect(text("us-east-1", "ca.crt")).not.toContain(old.toString().trim());
    expect(allTrusted()).toBe(true);
    expect(certificate("us-east-1", "region.crt").verify(old.publicKey)).toBe(false);
  });

  test("of a CA and of a region at once cannot be meant", async () => {
    expect((await atoll("rotate", "--ca", "--region", "us-east-1")).exitCode).toBe(2);
  });
});

describe("show", () => {
  test("tells who, for whom, until when and how long, as a table and as JSON", async () => {
    await atoll("init", "--cluster", "profiles");
    await atoll("issue", "--region", "us-east-1");
    const table = await atoll("show");
    expect(table.exitCode).toBe(0);
    for (const part of ["CN=us-east-1", "URI:atoll://profiles/region/us-east-1", "89", "signs"]) {
      expect(table.out).toContain(part);
    }
    const { certificates } = JSON.parse((await atoll("show", "-o", "json")).out) as {
      certificates: { of: string; daysLeft: number }[];
    };
    expect(certificates.map(({ of, daysLeft }) => [of, daysLeft])).toEqual([
      ["CA", 3649],
      ["us-east-1", 89],
    ]);
  });

  test("is unhealthy when something has expired, and names what to do", async () => {
    const making = {
      clock: new ManualClock(systemClock.nowMs() - 100 * DAY_MS),
      random: systemRandom,
    };
    await initCerts(dir, "profiles", making);
    await issueCert(dir, { region: US, hosts: [], days: 90 }, making);
    const { exitCode, out, err } = await atoll("show");
    expect(exitCode).toBe(3);
    expect(out).toContain("EXPIRED");
    expect(err).toContain(`Next: atoll certs rotate --region us-east-1 --dir ${dir}`);
  });
});

test("a certificate never outlives its CA, and a CA that has ended signs nothing", async () => {
  // Certificates end on a whole second: half a second past one, days left are never whole.
  const clock = new ManualClock(Math.floor(systemClock.nowMs() / 1000) * 1000 + 500);
  const making = { clock, random: new SeededRandom("certs") };
  await initCerts(dir, "profiles", making);
  clock.advance((limits.CA_DAYS - 10) * DAY_MS);
  const { notAfter } = await issueCert(dir, { region: US, hosts: [], days: 90 }, making);
  expect(notAfter).toEqual(certificate("ca.crt").validToDate);
  clock.advance(11 * DAY_MS);
  const rotating = rotateCerts(dir, { regions: [], hosts: undefined, days: 90 }, making);
  await expect(rotating).rejects.toMatchObject({
    data: { mend: expect.stringContaining("--ca") as string },
  });
  await rotateAuthority(dir, making);
  await rotateCerts(dir, { regions: [], hosts: undefined, days: 90 }, making);
  expect(retireAuthorities(dir)).toBe(1);
  expect(showCerts(dir, clock.nowMs()).map(({ of, daysLeft }) => `${of} ${daysLeft}`)).toEqual([
    "CA 3649",
    "us-east-1 89",
  ]);
});
