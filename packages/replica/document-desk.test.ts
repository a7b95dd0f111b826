// One document as operators ask about it; above all that a preview is what a healed link then does.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ProfileId } from "@atoll/core";
import { docIdOf, must, toHex } from "@atoll/core";
import type { JsonObject } from "@atoll/profile";
import { Fleet } from "./fleet.fixture.ts";

const [US, EU, AP] = ["us-east-1", "eu-west-1", "ap-northeast-1"] as const;
const docId = toHex(docIdOf("ada" as ProfileId));
const put = (value: JsonObject) => ({ kind: "put", value }) as const;
const patch = (value: JsonObject) => ({ kind: "merge-patch", patch: value }) as const;

let fleet: Fleet;
beforeEach(async () => {
  fleet = new Fleet("desk");
  await fleet.write(US, "ada", put({ displayName: "Ada", location: { city: "London" } }));
  await fleet.until("converged", () => fleet.converged());
});
afterEach(() => fleet.close());

const desk = (name: string) => fleet.driver(name).documents;
const chunksOf = (name: string) => must(desk(name).chunks(docId), "changes");

/** Nothing passes to or from eu any more. */
function split(): void {
  for (const other of [US, AP]) fleet.network.cut(EU, other);
}

async function healed(): Promise<void> {
  for (const other of [US, AP]) fleet.network.heal(EU, other);
  await fleet.until("converged", () => fleet.converged());
}

describe("a preview", () => {
  test("names winner and losers as they are when the link is healed, whoever computes it", async () => {
    split();
    await fleet.write(US, "ada", patch({ displayName: "from us", bio: "text" }));
    await fleet.write(EU, "ada", patch({ displayName: "from eu", location: { city: "Paris" } }));
    await fleet.run(100);
    const here = desk(US).preview(docId, chunksOf(EU));
    const there = desk(EU).preview(docId, chunksOf(US));
    expect(there.conflicts).toEqual(here.conflicts);
    expect(there.merged).toEqual(here.merged);
    expect(here.changes).toEqual({ here: 1, there: 1 });
    expect(here.conflicts.map(({ pointer }) => pointer)).toEqual(["/displayName"]);
    expect(here.conflicts[0]?.values.map(({ region }) => region).sort()).toEqual([EU, US]);
    expect(here.edits.here.map(({ path }) => path)).toContain("/location/city");
    expect(here.edits.there.map(({ path }) => path)).toContain("/bio");
    await healed();
    for (const name of [US, EU, AP]) {
      const content = must(desk(name).content(docId), "the document");
      expect(content.profile).toEqual(here.merged.profile);
      expect(content.conflicts).toEqual(here.conflicts);
    }
  });

  test("tells only conflicts that neither side has yet", async () => {
    split();
    await fleet.write(US, "ada", patch({ displayName: "1" }));
    await fleet.write(EU, "ada", patch({ displayName: "2" }));
    await fleet.run(100);
    await healed();
    split();
    await fleet.write(US, "ada", patch({ bio: "news" }));
    await fleet.run(100);
    const preview = desk(EU).preview(docId, chunksOf(US));
    expect(preview.conflicts).toEqual([]);
    expect(preview.changes).toEqual({ here: 0, there: 1 });
  });

  test("of a profile that one side never saw, or deleted, is the same from both", async () => {
    split();
    const created = toHex(docIdOf("new" as ProfileId));
    await fleet.write(EU, "new", put({ displayName: "New" }));
    await fleet.write(US, "ada", { kind: "delete" });
    await fleet.write(EU, "ada", patch({ displayName: "edited" }));
    await fleet.run(100);
    const unseen = desk(US).preview(created, must(desk(EU).chunks(created), "changes"));
    expect(unseen.here.exists).toBe(false);
    expect(unseen.merged).toEqual(unseen.there);
    const deleted = desk(US).preview(docId, chunksOf(EU));
    const other = desk(EU).preview(docId, chunksOf(US));
    expect(other.merged).toEqual(deleted.merged);
    expect([deleted.here.deleted, deleted.there.deleted]).toEqual([true, false]);
    await healed();
    expect(desk(AP).content(docId)?.deleted).toBe(deleted.merged.deleted);
  });

  test("changes nothing", async () => {
    split();
    await fleet.write(US, "ada", patch({ displayName: "from us" }));
    await fleet.run(100);
    const before = [fleet.driver(EU).status().root, desk(EU).facts(docId)];
    desk(EU).preview(docId, chunksOf(US));
    await fleet.run(100);
    expect([fleet.driver(EU).status().root, desk(EU).facts(docId)]).toEqual(before);
  });

  test.each([
    ["no chunks at all", new Uint8Array([1, 2, 3])],
    ["a change with a flipped bit", "flipped"],
  ])("refuses %s", (_name, bytes) => {
    const chunks = new Uint8Array(chunksOf(US));
    const at = chunks.length - 3;
    if (bytes === "flipped") chunks[at] = (chunks[at] ?? 0) ^ 1;
    const sent = typeof bytes === "string" ? chunks : bytes;
    expect(() => desk(EU).preview(docId, sent)).toThrow(/change/);
  });
});

describe("a document", () => {
  test("has the same facts in regions that converged, and none where it was never seen", () => {
    expect(desk(EU).facts(docId)).toEqual(desk(US).facts(docId));
    expect(desk(US).facts(docId)).toMatchObject({
      profileId: "ada",
      tenant: "default",
      changes: 1,
    });
    const nobody = toHex(docIdOf("nobody" as ProfileId));
    expect(desk(US).facts(nobody)).toBeUndefined();
    expect(desk(US).content(nobody)).toBeUndefined();
    expect(desk(US).chunks(nobody)).toBeUndefined();
    expect(() => desk(US).facts("../etc")).toThrow("32 hexadecimal digits");
  });

  test("tells who wrote each change", async () => {
    await fleet.write(EU, "ada", patch({ bio: "x" }));
    await fleet.until("converged", () => fleet.converged());
    const content = must(desk(AP).content(docId), "ada");
    expect(content.changes.map(({ region }) => region)).toEqual([EU, US]);
    expect(content.heads).toEqual([content.changes[0]?.hash]);
  });
});

describe("the list of actors", () => {
  test("is the same in regions that converged, but for which of them is their own", async () => {
    await fleet.write(EU, "b", put({}));
    await fleet.until("converged", () => fleet.converged());
    const [us, eu] = [US, EU].map((name) => fleet.driver(name).actors());
    expect(us?.map(({ region, entries }) => [region, entries])).toEqual([
      [US, 1],
      [EU, 1],
    ]);
    expect(us?.map(({ own }) => own)).toEqual([true, false]);
    expect(eu?.map(({ own }) => own)).toEqual([false, true]);
    const bare = (actors: typeof us) => actors?.map(({ own: _own, ...rest }) => rest);
    expect(bare(eu)).toEqual(bare(us));
    expect(us?.every(({ lastAt, seqMax }) => lastAt !== null && seqMax === 1)).toBe(true);
  });
});
