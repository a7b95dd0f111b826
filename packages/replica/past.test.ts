/** What a region tells of the past is the same in every region, and names the regions that wrote it. */
import { expect, test } from "vitest";
import type { ProfileId } from "@atoll/core";
import { must } from "@atoll/core";
import { Fleet } from "./fleet.fixture.ts";

const ID = "ann" as ProfileId;
const SESSION = { token: undefined, waitMs: 250, handling: "strict" } as const;

async function settled<T>(fleet: Fleet, asked: Promise<T>): Promise<T> {
  let isSettled = false;
  const done = (): void => {
    isSettled = true;
  };
  asked.then(done, done);
  while (!isSettled) await fleet.run(5);
  return asked;
}

test("concurrent writes are told with the region that wrote each, alike everywhere", async () => {
  const fleet = new Fleet("past");
  const [us, eu, asia] = fleet.names as [string, string, string];
  await fleet.write(us, ID, { kind: "put", value: { displayName: "Ann" } });
  await fleet.until("all have it", () => fleet.converged());
  await Promise.all([
    fleet.write(us, ID, { kind: "merge-patch", patch: { displayName: "from us" } }),
    fleet.write(eu, ID, { kind: "merge-patch", patch: { displayName: "from eu" } }),
  ]);
  await fleet.until("all have both", () => fleet.converged());

  const told = await Promise.all(
    [us, eu, asia].map(async (name) => {
      const { past } = fleet.driver(name).service;
      const conflicts = await settled(fleet, past.conflicts(ID, SESSION));
      const history = await settled(
        fleet,
        past.history(ID, { limit: 10, after: undefined }, SESSION),
      );
      const explained = await settled(fleet, past.explain(ID, "/displayName", SESSION));
      if (conflicts.kind === "absent" || history.kind === "absent") throw new Error("not there");
      if (explained.kind === "absent") throw new Error("not explained");
      const { kind, sessionToken, stale, ...rest } = conflicts;
      expect([kind, stale, sessionToken !== ""]).toEqual(["found", false, true]);
      return { conflicts: rest.value, history: history.value, explained: explained.value };
    }),
  );
  expect(told[1]).toEqual(told[0]);
  expect(told[2]).toEqual(told[0]);

  const { conflicts, history, explained } = must(told[0], "an answer");
  const values = must(conflicts[0], "a conflict").values;
  for (const { value, writer } of values) {
    expect(writer?.region).toBe(value === "from us" ? "us-east-1" : "eu-west-1");
  }
  expect(history.changes.map(({ region }) => region).sort()).toEqual([eu, us, us]);
  expect(explained.writer).toEqual(values[0]?.writer);
  expect(await fleet.json(asia, ID)).toBe(JSON.stringify({ displayName: values[0]?.value }));
  await fleet.close();
});

test("a concurrent edit by one region's own hand is its own, and travels like any other", async () => {
  const fleet = new Fleet("beside");
  const [us, eu] = fleet.names as [string, string];
  const first = await fleet.write(us, ID, { kind: "put", value: { bio: "one two" } });
  if (first.kind !== "written") throw new Error("not written");
  await fleet.write(us, ID, { kind: "merge-patch", patch: { bio: "zero one two" } });
  const { past } = fleet.driver(us).service;
  const history = await settled(fleet, past.history(ID, { limit: 9, after: undefined }, SESSION));
  if (history.kind === "absent") throw new Error("no history");
  const base = must(history.value.changes[1], "the first change").hash;
  const service = fleet.driver(us).service;
  const operations = [{ op: "textSplice", path: "/bio", index: 7, insert: " three" }] as const;
  await settled(
    fleet,
    service.write(ID, { kind: "operations", operations }, {}, SESSION, {
      upsert: false,
      base: [Buffer.from(base, "hex") as never],
    }),
  );
  await fleet.until("both have it", () => fleet.converged());
  expect(await fleet.json(eu, ID)).toBe('{"bio":"zero one two three"}');
  const conflicts = await settled(
    fleet,
    fleet.driver(eu).service.past.history(ID, { limit: 9, after: undefined }, SESSION),
  );
  if (conflicts.kind === "absent") throw new Error("no history");
  const changes = conflicts.value.changes.map(({ region, seq }) => `${region ?? "nobody"} ${seq}`);
  expect(changes.sort()).toEqual(["us-east-1 1", "us-east-1 1", "us-east-1 2"]);
  await fleet.close();
});

test("who asked for a change is told alike by every region, of winners and of losers", async () => {
  const fleet = new Fleet("principal");
  const [us, eu, asia] = fleet.names as [string, string, string];
  const put = (name: string, displayName: string, principal: string) =>
    settled(
      fleet,
      fleet.driver(name).service.write(ID, { kind: "put", value: { displayName } }, {}, SESSION, {
        upsert: true,
        by: { principal },
      }),
    );
  await Promise.all([put(us, "from us", "key:us"), put(eu, "from eu", "jwt:idp#eu")]);
  await fleet.until("all have both", () => fleet.converged());
  for (const name of [us, eu, asia]) {
    const conflicts = await settled(fleet, fleet.driver(name).service.past.conflicts(ID, SESSION));
    if (conflicts.kind === "absent") throw new Error("not there");
    const writers = must(conflicts.value[0], "a conflict").values.map(({ value, writer }) => [
      value,
      writer?.principal,
      writer?.message,
    ]);
    expect(writers.sort()).toEqual([
      ["from eu", "jwt:idp#eu", undefined],
      ["from us", "key:us", undefined],
    ]);
  }
  await fleet.close();
});
