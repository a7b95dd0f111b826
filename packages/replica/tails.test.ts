// When tails are folded: late while people write, and soon after nobody does, without waking a region for ever.
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ProfileId } from "@atoll/core";
import { docIdOf, limits } from "@atoll/core";
import type { Copy } from "./copies.fixture.ts";
import { copies, edit, testClock } from "./copies.fixture.ts";
import { Fleet } from "./fleet.fixture.ts";

const { TAIL_REST_CHANGES_MAX, TAIL_REST_BYTES_MAX, TAIL_REST_MS, TAILS_RESTED_MAX } = limits;
let copy: Copy;
let fleet: Fleet | undefined;

beforeEach(() => {
  [copy] = copies() as [Copy];
});
afterEach(() => fleet?.close());

function write(id: string, times: number, textOf = (n: number): string => `role ${n}`): void {
  for (let n = 0; n < times; n++) edit(copy, id, { kind: "put", value: { role: textOf(n) } });
}

function tailChanges(id: string): number | undefined {
  const { replica } = copy;
  return replica.store.readBody(replica.placeOf(docIdOf(id as ProfileId)))?.tailChanges;
}

function upkeep(): void {
  copy.replica.upkeep();
  copy.replica.flush();
}

function settle(): void {
  while (copy.replica.isUpkeepDue) upkeep();
}

test("a tail is folded when nobody has written for a while, though its document is open", () => {
  const { replica } = copy;
  write("ada", TAIL_REST_CHANGES_MAX + 1);
  settle();
  expect(tailChanges("ada")).toBe(TAIL_REST_CHANGES_MAX + 1);
  const place = replica.placeOf(docIdOf("ada" as ProfileId));
  expect(replica.documents.isOpen(place)).toBe(true);

  testClock().advance(TAIL_REST_MS - 1);
  expect(replica.isUpkeepDue).toBe(false);
  testClock().advance(1);
  expect(replica.isUpkeepDue).toBe(true);
  settle();
  expect(tailChanges("ada")).toBe(0);
  expect(replica.documents.isOpen(place)).toBe(true);
  testClock().advance(100 * TAIL_REST_MS);
  expect(replica.isUpkeepDue).toBe(false); // nothing is left that time alone would bring
});

test("a document that is written all the time is not folded for it", () => {
  write("ada", TAIL_REST_CHANGES_MAX + 1);
  for (let n = 0; n < 5; n++) {
    testClock().advance(TAIL_REST_MS - 1);
    settle();
    write("ada", 1, () => `later ${n}`);
  }
  settle();
  expect(tailChanges("ada")).toBe(TAIL_REST_CHANGES_MAX + 6);
});

test("a few small changes are left as they are, and one large one is folded", () => {
  write("few", TAIL_REST_CHANGES_MAX);
  const noise = Array.from({ length: TAIL_REST_BYTES_MAX }, (_, n) =>
    String.fromCharCode(33 + ((n * n) % 90)),
  );
  write("large", 1, () => noise.join(""));
  settle();
  testClock().advance(TAIL_REST_MS);
  settle();
  expect(tailChanges("few")).toBe(TAIL_REST_CHANGES_MAX);
  expect(tailChanges("large")).toBe(0);
});

test("one turn folds no more than it may of what rests, and those that rest longest first", () => {
  const ids = Array.from({ length: TAILS_RESTED_MAX + 2 }, (_, n) => `p${n}`);
  for (const id of [...ids].reverse()) {
    write(id, TAIL_REST_CHANGES_MAX + 1);
    testClock().advance(1);
  }
  settle();
  testClock().advance(TAIL_REST_MS);
  upkeep();
  expect(ids.filter((id) => tailChanges(id) !== 0)).toEqual(["p0", "p1"]);
  settle();
  expect(ids.filter((id) => tailChanges(id) !== 0)).toEqual([]);
});

test("a tail of a document that nobody has open rests, too, and opening it for that keeps nothing open", () => {
  const { replica } = copy;
  write("ada", TAIL_REST_CHANGES_MAX + 1);
  replica.forgetCaches();
  testClock().advance(TAIL_REST_MS);
  settle();
  expect(tailChanges("ada")).toBe(0);
  expect(replica.documents.size).toBe(0);
  expect(replica.read("ada" as ProfileId).snapshot?.json).toBe(
    `{"role":"role ${TAIL_REST_CHANGES_MAX}"}`,
  );
});

test("every region of a fleet folds what rests, though nothing else happens there", async () => {
  fleet = new Fleet("rest");
  const { names } = fleet;
  for (let n = 0; n <= TAIL_REST_CHANGES_MAX; n++) {
    await fleet.write("eu-west-1", "ada", { kind: "put", value: { role: `role ${n}` } });
  }
  const waiting = (): number[] =>
    names.map((name) => fleet?.driver(name).replica.store.waitingTails(9).length ?? -1);
  await fleet.until("converged", () => fleet?.converged() === true);
  expect(waiting()).toEqual([1, 1, 1]);
  await fleet.run(TAIL_REST_MS + 1_000);
  expect(waiting()).toEqual([0, 0, 0]);
});
