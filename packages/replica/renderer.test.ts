// When what came from elsewhere is shown: at once where the document is open, otherwise when somebody asks.
import { beforeEach, expect, test } from "vitest";
import type { ProfileId } from "@atoll/core";
import { docIdOf, limits } from "@atoll/core";
import { MemoryStore } from "@atoll/store";
import type { DocumentRow } from "@atoll/store";
import type { Copy } from "./copies.fixture.ts";
import { copies, edit } from "./copies.fixture.ts";

const from = { region: "us-east-1", repair: false };
let writer: Copy;
let reader: Copy;

beforeEach(() => {
  [writer, reader] = copies() as [Copy, Copy];
});

/** Entries of the writer that the reader has not been given yet, in one batch, not yet durable there. */
function received(): void {
  reader.replica.ingest(writer.entries.splice(0), from);
}

function rowOf(id: string): DocumentRow | undefined {
  const { replica } = reader;
  const docId = docIdOf(id as ProfileId);
  return replica.store.readDocument(replica.placeOf(docId));
}

function write(id: string, value: number): void {
  edit(writer, id, { kind: "put", value: { value } });
}

test("a change of an open document is shown in the transaction that brought it", () => {
  expect(reader.replica.store).toBeInstanceOf(MemoryStore);
  write("open", 1);
  received();
  expect(rowOf("open")?.dirty).toBe(true); // nobody has looked: bytes are enough
  expect(reader.replica.read("open" as ProfileId).snapshot?.json).toBe('{"value":1}');
  reader.replica.flush();
  const { opened } = reader.replica.documents;
  write("open", 2);
  write("open", 3);
  write("closed", 1);
  received();
  expect(rowOf("open")).toMatchObject({ dirty: false, view: '{"value":3}' });
  expect(rowOf("closed")?.dirty).toBe(true);
  expect(reader.replica.documents.opened).toBe(opened);
  reader.replica.abandon();
  expect(rowOf("open")).toMatchObject({ dirty: false, view: '{"value":1}' });
  expect(reader.replica.read("open" as ProfileId).snapshot?.json).toBe('{"value":1}');
});

test("one batch shows no more open documents than a turn may", () => {
  const ids = Array.from({ length: limits.UPKEEP_DOCUMENTS_MAX + 4 }, (_, n) => `p${n}`);
  for (const id of ids) write(id, 1);
  received();
  for (const id of ids) reader.replica.read(id as ProfileId);
  reader.replica.flush();
  for (const id of ids) write(id, 2);
  received();
  const dirty = ids.filter((id) => rowOf(id)?.dirty === true);
  expect(dirty).toHaveLength(4);
  for (const id of ids) {
    expect(reader.replica.read(id as ProfileId).snapshot?.json).toBe('{"value":2}');
  }
});

test("nothing is kept up while nothing has been staged since there was nothing to do", () => {
  const { replica } = reader;
  const settle = (): number => {
    let rounds = 0;
    for (; replica.isUpkeepDue; rounds++) {
      replica.upkeep();
      replica.flush();
    }
    return rounds;
  };
  expect(settle()).toBe(1); // a process that has just started looks once
  for (let n = 0; n < limits.UPKEEP_DOCUMENTS_MAX + 1; n++) write(`p${n}`, 1);
  received();
  replica.upkeep(); // staged, and not in the store for good
  expect(replica.isUpkeepDue).toBe(true);
  replica.abandon();
  expect(replica.isUpkeepDue).toBe(true);
  expect(settle()).toBe(1);
  write("last", 1);
  received();
  replica.flush();
  expect(settle()).toBe(2);
  expect(rowOf("last")?.dirty).toBe(false);
});

test("a tail is folded soon where the document is closed, and later where it is open", () => {
  const { replica } = writer;
  const place = replica.placeOf(docIdOf("p" as ProfileId));
  const tailChanges = (): number | undefined => replica.store.readBody(place)?.tailChanges;
  let written = 0;
  const writeUntil = (changes: number): void => {
    while ((tailChanges() ?? 0) < changes) write("p", ++written);
    replica.upkeep();
    replica.flush();
  };
  writeUntil(limits.TAIL_CHANGES_MAX + 1);
  expect(tailChanges()).toBeGreaterThan(limits.TAIL_CHANGES_MAX); // nobody would load it
  replica.documents.drop(place);
  writeUntil(0);
  expect(tailChanges()).toBe(0);
  writeUntil(limits.OPEN_TAIL_CHANGES_MAX + 1);
  expect(replica.documents.isOpen(place)).toBe(true);
  expect(tailChanges()).toBe(0);
  expect(replica.read("p" as ProfileId).snapshot?.json).toBe(`{"value":${written}}`);
});
