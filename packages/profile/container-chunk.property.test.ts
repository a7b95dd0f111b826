/** Container changes are written without Automerge; it must agree on every byte. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { toHex } from "@atoll/core";
import { containerActor, containerKind, containerMessage, parentContainer } from "./containers.ts";
import type { ContainerPath } from "./containers.ts";
import { AutomergeDocument } from "./document.ts";
import { Copy, fleetCodec, fleetSchema, mustParse } from "./fleet.fixture.ts";
import { genesisMessage } from "./genesis.ts";
import type { JsonObject, JsonValue } from "./json.ts";
import { isJsonArray, isJsonObject } from "./json.ts";
import { undeclaredSlot } from "./slots.ts";

const name = fc.oneof(
  fc.constantFrom("", "~", "a", "~o:a", "é", "👋"),
  fc.string({ unit: fc.constantFrom("k", '"', "/", "é"), minLength: 110, maxLength: 126 }),
);
const root = fc.constantFrom<readonly string[]>([], ["place"], ["stats"]);

test("Automerge makes the same bytes for any path and kind", () => {
  const genesis = AutomergeDocument.genesis(fleetSchema.root, genesisMessage(fleetSchema.root));
  const kinds = fc.constantFrom("map", "list", "set", "text", "counter");
  fc.assert(
    fc.property(root, fc.array(name, { maxLength: 3 }), name, kinds, (from, maps, last, kind) => {
      const above = maps.map((map) => undeclaredSlot("map", map).key);
      const path = [...from, ...above, undeclaredSlot(kind, last).key];
      const document = genesis.fork(containerActor(path));
      const chain: ContainerPath[] = [];
      for (let at = parentContainer(path); at !== undefined; at = parentContainer(at)) {
        chain.unshift(at);
      }
      if (chain.length > 0) document.append(chain.map((at) => fleetCodec.containerChunk(at)));
      const theirs = document.makeContainer(path, kind, containerMessage(path));
      expect(toHex(fleetCodec.containerChunk(path))).toBe(toHex(theirs));
      expect(fleetCodec.isContainerChange(mustParse(theirs))).toBe(true);
      expect(containerKind(path, fleetSchema.root)).toBe(kind);
      document.free();
    }),
    { numRuns: 500 },
  );
  genesis.free();
});

test("what a document makes of carried containers survives saving", () => {
  const nested = (depth: number): JsonValue => (depth === 0 ? [] : { a: nested(depth - 1) });
  const copy = new Copy(1);
  const value: JsonObject = { deep: nested(14), wide: { b: {}, c: [1], d: { e: {} } } };
  const entry = copy.edit({ kind: "put", value });
  expect(entry?.containers).toHaveLength(countContainers(value) - 1); // the empty list needs none
  copy.profile.save();
  copy.profile.free();
});

function countContainers(value: JsonValue): number {
  const children = isJsonArray(value) ? [] : isJsonObject(value) ? Object.values(value) : [];
  return children.reduce<number>(
    (sum, child) => sum + (typeof child === "object" ? 1 : 0) + countContainers(child),
    0,
  );
}
