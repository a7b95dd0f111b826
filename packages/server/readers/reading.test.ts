import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Hlc, ProfileId, RegionCode } from "@atoll/core";
import { assert, must } from "@atoll/core";
import type { ReadAnswer } from "@atoll/replica";
import { ReadingService } from "@atoll/replica/reading";
import type { SqliteStore } from "@atoll/store";
import { openSqliteStore } from "@atoll/store";
import { SessionTokens } from "@atoll/sync";
import { RestRegion } from "../rest-region.fixture.ts";

const US = 1 as RegionCode;
const EU = 2 as RegionCode;
const LATER = (2 ** 51) as Hlc;
const ADA = "ada" as ProfileId;
const NOBODY = { token: undefined, waitMs: 0, handling: "strict" } as const;

let directory: string;
let written: SqliteStore;
let read: SqliteStore;
let region: RestRegion;
let reading: ReadingService;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "atoll-reading-"));
  const path = join(directory, "atoll.db");
  written = openSqliteStore({ path, isDurableAtCommit: true });
  region = await new RestRegion({ store: written }).open();
  read = openSqliteStore({ path, isReadOnly: true });
  reading = new ReadingService({ store: read, cluster: region.cluster, region: US });
});
afterEach(async () => {
  await region.close();
  read.close();
  written.close();
  rmSync(directory, { recursive: true });
});

function tokenOf(code: RegionCode, hlc: Hlc): string {
  return new SessionTokens(region.cluster).encode(new Map([[code, hlc]]));
}

/** What a snapshot says, however it is kept. */
function shown(answer: ReadAnswer | undefined) {
  assert(answer?.kind === "found", "the profile is there");
  const { profile } = answer;
  return { ...answer, profile: { ...profile, dep: [...profile.dep] } };
}

test("what was acknowledged is read at once, and as the replica answers it", async () => {
  for (const body of [{ name: "Ada" }, { name: "Ada", bio: "counts" }, { name: "Countess" }]) {
    const { headers } = await region.put("ada", body);
    const answer = reading.read(ADA, headers.get("session-token") ?? undefined);
    const session = { ...NOBODY, token: headers.get("session-token") ?? undefined };
    expect(shown(answer)).toEqual(shown(await region.driver.service.read(ADA, session)));
    expect(answer).toMatchObject({
      kind: "found",
      profile: { json: JSON.stringify(sorted(body)) },
    });
  }
});

test("a profile that nobody wrote, and one that was deleted, are absent", async () => {
  expect(reading.read(ADA, undefined)).toMatchObject({ kind: "absent", stale: false });
  await region.put("ada", { name: "Ada" });
  expect(reading.read(ADA, undefined)).toMatchObject({ kind: "found" });
  await region.call("DELETE", "/v1/profiles/ada");
  expect(reading.read(ADA, undefined)).toMatchObject({ kind: "absent" });
});

test("a view that is older than its changes is for the replica to render", async () => {
  await region.put("ada", { name: "Ada" });
  const { answer, place } = placeOfAda();
  expect(answer).toBeDefined();
  written.begin();
  written.writeDocument({ ...must(written.readDocument(place), "the row"), dirty: true });
  written.commit();
  expect(reading.read(ADA, undefined)).toBeUndefined();
});

test("a session that has seen what another region wrote is for the replica, until it is covered", async () => {
  await region.put("ada", { name: "Ada" });
  expect(reading.read(ADA, tokenOf(US, LATER))).toMatchObject({ kind: "found" }); // ours is here
  expect(reading.read(ADA, tokenOf(EU, LATER))).toBeUndefined();
  written.begin();
  written.writeCoverage(new Map([[EU, LATER]]));
  written.commit();
  expect(reading.read(ADA, tokenOf(EU, LATER))).toMatchObject({ kind: "found" });
});

test("a session keeps what it had seen, and nobody else is given it", async () => {
  const { headers } = await region.put("ada", { name: "Ada" });
  const own = headers.get("session-token");
  const ahead = tokenOf(US, LATER);
  const service = {
    reader: (token?: string) => reading.read(ADA, token),
    replica: (token?: string) => region.driver.service.read(ADA, { ...NOBODY, token }),
  };
  for (const read of [service.reader, service.replica]) {
    for (const [token, told] of [
      [ahead, ahead],
      [undefined, own],
      [ahead, ahead],
      [undefined, own],
    ] as const) {
      expect(await read(token)).toMatchObject({ kind: "found", sessionToken: told });
    }
  }
});

test("what is no token is refused as the replica refuses it", () => {
  expect(() => reading.read(ADA, "nonsense")).toThrow(/Session-Token/);
});

function placeOfAda() {
  const answer = reading.read(ADA, undefined);
  const [row] = written.listDocuments({ from: 0, to: Number.MAX_SAFE_INTEGER, limit: 1 });
  return { answer, place: must(row, "the only row") };
}

function sorted(value: object): object {
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
