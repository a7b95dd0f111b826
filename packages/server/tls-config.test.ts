import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ManualClock, isAtollError, systemClock } from "@atoll/core";
import type { LinkTls } from "@atoll/sync";
import type { TestAuthority } from "@atoll/sync/certificates.fixture.ts";
import { DAY_MS, makeAuthority, makeCertificate } from "@atoll/sync/certificates.fixture.ts";
import type { Environment, RegionConfig } from "./config.ts";
import { configFaultLine, loadRegionConfig } from "./config.ts";

const directory = mkdtempSync(join(tmpdir(), "atoll-tls-config-"));
const file = (name: string): string => join(directory, name);
const GOOD = `
region: us-east-1
cluster:
  id: test
  secret: a secret of more than sixteen characters
  regions: { us-east-1: 1, eu-west-1: 2 }
data: ./data
listen: { rest: 127.0.0.1:7101, admin: 127.0.0.1:7102, peer: 127.0.0.1:7103 }
peers: { eu-west-1: wss://127.0.0.1:7203 }
tls: { ca: ca.crt, cert: region.crt, key: region.key }
`;

let authority: TestAuthority;
let good: LinkTls;

beforeAll(async () => {
  authority = await makeAuthority("test CA");
  good = await makeCertificate(authority);
});
beforeEach(() => write(good));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function write({ ca, cert, key }: Omit<LinkTls, "clusterId">): void {
  writeFileSync(file("ca.crt"), ca);
  writeFileSync(file("region.crt"), cert);
  writeFileSync(file("region.key"), key, { mode: 0o600 });
  chmodSync(file("region.key"), 0o600);
}

function load(text = GOOD, environment: Environment = {}, atDays = 0): RegionConfig {
  writeFileSync(file("atoll.yaml"), text);
  const clock = new ManualClock(systemClock.nowMs() + atDays * DAY_MS);
  return loadRegionConfig({ file: file("atoll.yaml"), environment, clock });
}

function faults(...args: Parameters<typeof load>): string[] {
  try {
    load(...args);
  } catch (error) {
    if (!isAtollError(error)) throw error;
    return (error.data.faults ?? []).map(configFaultLine);
  }
  return [];
}

test("good files are accepted, as absolute paths", () => {
  const tls = { ca: file("ca.crt"), cert: file("region.crt"), key: file("region.key") };
  expect(load().tls).toEqual(tls);
  expect(load(GOOD.replace(/tls: .*\n/, "")).tls).toBeUndefined();
});

test("the environment names them as well, and is named in a fault", () => {
  const environment = {
    ATOLL_TLS_CA: file("ca.crt"),
    ATOLL_TLS_CERT: file("absent.crt"),
    ATOLL_TLS_KEY: file("region.key"),
  };
  expect(faults(GOOD.replace(/tls: .*\n/, ""), environment)).toEqual([
    expect.stringMatching(/^tls\.cert: cannot be read: .*\(from ATOLL_TLS_CERT\)$/),
  ]);
});

test("two CAs in one file are both believed", async () => {
  write({ ...good, ca: `${(await makeAuthority("other CA")).cert}${authority.cert}` });
  expect(faults()).toEqual([]);
});

describe("refused, each by name:", () => {
  const cases: [string, () => Promise<Partial<LinkTls>>, RegExp][] = [
    [
      "a key that does not match",
      async () => ({ key: (await makeCertificate(authority)).key }),
      /^tls\.key: does not belong to tls\.cert$/,
    ],
    [
      "a certificate of another CA, even of the same name",
      async () => ({ ca: (await makeAuthority("test CA")).cert }),
      /^tls\.cert: is not signed by a CA of tls\.ca$/,
    ],
    [
      "a certificate of another region",
      () => makeCertificate(authority, { region: "eu-west-1" }),
      /^tls\.cert: is not of this region: expected URI:atoll:\/\/test\/region\/us-east-1 once, not URI:.*eu-west-1$/,
    ],
    [
      "a certificate of another cluster",
      () => makeCertificate(authority, { clusterId: "demo" }),
      /^tls\.cert: is not of this region: .*atoll:\/\/demo/,
    ],
    [
      "a certificate that has expired",
      () => makeCertificate(authority, { notBeforeDays: -9, notAfterDays: -1 }),
      /^tls\.cert: expired on \d{4}-\d\d-\d\d/,
    ],
    [
      "a certificate that is not valid yet",
      () => makeCertificate(authority, { notBeforeDays: 1 }),
      /^tls\.cert: is not valid before/,
    ],
    [
      "a certificate that can only serve",
      () => makeCertificate(authority, { usages: ["serverAuth"] }),
      /^tls\.cert: lacks the extended key usage clientAuth$/,
    ],
    [
      "a CA file that is no CA",
      () => Promise.resolve({ ca: `${authority.cert}${good.cert}` }),
      /^tls\.ca: holds a certificate that is not of a CA$/,
    ],
    ["an empty CA file", () => Promise.resolve({ ca: "" }), /^tls\.ca: holds no certificate/],
    [
      "a certificate that is damaged",
      () => Promise.resolve({ cert: good.cert.replace(/M/g, "N") }),
      /^tls\.cert: holds no certificate/,
    ],
    [
      "a key that is no key",
      () => Promise.resolve({ key: good.cert }),
      /^tls\.key: holds no private key/,
    ],
  ];
  test.each(cases)("%s", async (_name, make, line) => {
    const { ca, cert, key } = { ...good, ...(await make()) };
    write({ ca, cert, key });
    expect(faults()).toEqual([expect.stringMatching(line)]);
  });

  test.skipIf(process.platform === "win32")("a key that everybody may read", () => {
    chmodSync(file("region.key"), 0o644);
    expect(faults()).toEqual([expect.stringMatching(/^tls\.key: .*chmod 600/)]);
    chmodSync(file("region.key"), 0o640); // a group is how a mounted secret is shared
    expect(faults()).toEqual([]);
  });

  test("a CA that has expired under a certificate that has not", async () => {
    const short = await makeAuthority("short CA", 1);
    write(await makeCertificate(short, { notAfterDays: 5 }));
    expect(faults(GOOD, {}, 2)).toEqual([expect.stringMatching(/^tls\.ca: expired on/)]);
  });

  test("a peer that is dialled without TLS", () => {
    expect(faults(GOOD.replace("wss:", "ws:"))).toEqual([
      "peers.eu-west-1: expected wss://, because tls is set",
    ]);
  });

  test("half of the files, or a key that is unknown", () => {
    expect(faults(GOOD.replace("key: region.key", "pem: region.key"))).toEqual([
      expect.stringMatching(/^tls\.key: missing/),
      "tls.pem: unknown key",
    ]);
  });

  test("and all at once, together with what else is wrong", () => {
    write({ ca: authority.cert, cert: "", key: "" });
    chmodSync(file("region.key"), 0o604);
    const lines = faults(GOOD.replace("127.0.0.1:7102", "0.0.0.0:7102"));
    for (const start of ["listen.admin: ", "tls.cert: ", "tls.key: may be", "tls.key: holds"]) {
      expect(lines.filter((line) => line.startsWith(start))).toHaveLength(1);
    }
  });
});
