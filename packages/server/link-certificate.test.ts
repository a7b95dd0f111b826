import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ManualClock, MemoryLog, limits, must, parseRegionCode, systemClock } from "@atoll/core";
import type { LinkTls } from "@atoll/sync";
import type { TestAuthority } from "@atoll/sync/certificates.fixture.ts";
import {
  DAY_MS,
  makeAuthority,
  makeCertificate,
  testRegion,
} from "@atoll/sync/certificates.fixture.ts";
import { LinkCertificate, expiryWarning } from "./link-certificate.ts";

const HOUR_MS = 3_600_000;
const directory = mkdtempSync(join(tmpdir(), "atoll-certificate-"));
const paths = {
  ca: join(directory, "ca.crt"),
  cert: join(directory, "region.crt"),
  key: join(directory, "region.key"),
};
let authority: TestAuthority;
let clock: ManualClock;
let log: MemoryLog;

beforeAll(async () => {
  authority = await makeAuthority("test CA", 1_000);
});
beforeEach(() => {
  // Later than any certificate of the test is made: whole days left would depend on the second of the day.
  clock = new ManualClock(systemClock.nowMs() + 10 * 60_000);
  log = new MemoryLog();
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function write({ ca, cert, key }: LinkTls): void {
  writeFileSync(paths.ca, ca);
  writeFileSync(paths.cert, cert);
  writeFileSync(paths.key, key, { mode: 0o600 });
}

function started(): { certificate: LinkCertificate; used: LinkTls[] } {
  const region = { name: testRegion("us-east-1"), code: must(parseRegionCode(1), "code") };
  const certificate = new LinkCertificate({ paths, clusterId: "test", region, clock, log });
  const used: LinkTls[] = [];
  certificate.start((tls) => used.push(tls));
  return { certificate, used };
}

describe("renewing", () => {
  test("takes a new certificate into use within a minute, and never otherwise", async () => {
    write(await makeCertificate(authority, { notAfterDays: 60 }));
    const { certificate, used } = started();
    const next = await makeCertificate(authority, { notAfterDays: 90 });
    clock.advance(limits.CERTIFICATE_CHECK_MS);
    expect(used).toEqual([]);
    write(next);
    clock.advance(limits.CERTIFICATE_CHECK_MS);
    expect(used).toEqual([next]);
    expect(certificate.tls).toEqual(next);
    expect(certificate.daysLeft).toBe(89);
    expect(log.lines).toMatchObject([{ level: "info", event: "certificate-renewed" }]);
    clock.advance(limits.CERTIFICATE_CHECK_MS * 3);
    expect(used).toHaveLength(1);
  });

  test("met half-way keeps the old one, says so once, and goes on when the rest is there", async () => {
    const old = await makeCertificate(authority, { notAfterDays: 60 });
    const next = await makeCertificate(authority, { notAfterDays: 90 });
    write(old);
    const { certificate, used } = started();
    write({ ...old, key: next.key });
    clock.advance(limits.CERTIFICATE_CHECK_MS * 3);
    expect(used).toEqual([]);
    expect(certificate.tls).toEqual(old);
    expect(log.lines).toMatchObject([
      {
        level: "warn",
        event: "certificate-not-renewed",
        fields: { faults: ["tls.key: does not belong to tls.cert"] },
      },
    ]);
    write(next);
    clock.advance(limits.CERTIFICATE_CHECK_MS);
    expect(used).toEqual([next]);
  });

  test("to a certificate of another region, or to none at all, is not done", async () => {
    write(await makeCertificate(authority, { notAfterDays: 60 }));
    const { used } = started();
    write(await makeCertificate(authority, { region: "eu-west-1" }));
    clock.advance(limits.CERTIFICATE_CHECK_MS);
    rmSync(paths.cert);
    clock.advance(limits.CERTIFICATE_CHECK_MS);
    expect(used).toEqual([]);
    expect(log.lines).toHaveLength(2);
  });

  test("ends with the process", async () => {
    write(await makeCertificate(authority, { notAfterDays: 60 }));
    const { certificate, used } = started();
    certificate.close();
    write(await makeCertificate(authority, { notAfterDays: 60 }));
    clock.advance(limits.CERTIFICATE_CHECK_MS * 2);
    expect(used).toEqual([]);
  });
});

describe("the end of a certificate", () => {
  test("is told below 30, 14 and 7 days, then daily, and as an error when it is there", () => {
    const told: string[] = [];
    let mark: string | undefined;
    for (let hours = 40 * 24; hours > -48; hours--) {
      const warning = expiryWarning(hours * HOUR_MS, 0);
      if (warning?.mark !== mark && warning !== undefined) {
        told.push(`${hours} h: ${warning.level} ${warning.event}`);
      }
      mark = warning?.mark;
    }
    expect(told).toEqual([
      ...[30, 14, 7, 6, 5, 4, 3, 2, 1].map(
        (days) => `${days * 24 - 1} h: warn certificate-expires`,
      ),
      "0 h: error certificate-expired",
      "-1 h: error certificate-expired",
      "-25 h: error certificate-expired",
    ]);
  });

  test("is looked at every minute, and told once for each day", async () => {
    write(await makeCertificate(authority, { notAfterDays: 5 }));
    const { certificate } = started();
    clock.advance(1.5 * DAY_MS);
    expect(log.lines.map(({ fields }) => fields)).toEqual([
      { daysLeft: 4, notAfter: new Date(certificate.notAfterMs).toISOString() },
      { daysLeft: 3, notAfter: new Date(certificate.notAfterMs).toISOString() },
    ]);
  });

  test("is told at once to a region that starts late, and not any more once it is renewed", async () => {
    write(await makeCertificate(authority, { notAfterDays: 10 }));
    started();
    expect(log.lines).toMatchObject([{ event: "certificate-expires", fields: { daysLeft: 9 } }]);
    write(await makeCertificate(authority, { notAfterDays: 90 }));
    clock.advance(limits.CERTIFICATE_CHECK_MS * 2);
    expect(log.lines.map(({ event }) => event)).toEqual([
      "certificate-expires",
      "certificate-renewed",
    ]);
  });

  test("is the end of its CA, when that comes first", async () => {
    write(await makeCertificate(await makeAuthority("short CA", 20), { notAfterDays: 60 }));
    expect(started().certificate.daysLeft).toBe(19);
  });
});

test("a certificate that cannot be used does not start, and names every fault", () => {
  for (const path of Object.values(paths)) writeFileSync(path, "nothing", { mode: 0o600 });
  expect(started).toThrow(
    expect.objectContaining({
      code: "config-invalid",
      data: {
        faults: ["/tls/ca", "/tls/cert", "/tls/key"].map((pointer): unknown =>
          expect.objectContaining({ pointer }),
        ),
      },
    }) as Error,
  );
});
