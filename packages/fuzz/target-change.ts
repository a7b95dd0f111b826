/**
 * Changes from a peer that knows the secret: a mutated change with its checksum, its name and its place.
 *
 * Set aside, waiting or applied: either way the neighbour is served, and what was applied can be loaded again
 * from what was stored, and shows the same.
 */
import { docIdOf, must, mustChangeHash, nameChange, systemRandom } from "@atoll/core";
import { DocumentError } from "@atoll/profile";
import { TYPE_CHANGE, mutateChunk } from "./chunk.ts";
import { ADA, BOB, codec, newReplica, writeEdits } from "./fleet.ts";
import type { FuzzTarget } from "./target.ts";
import { expectThat } from "./target.ts";

const FROM = { region: "us-east-1", repair: false };
/** So many upkeep turns fold and render whatever there is. */
const UPKEEP_TURNS = 3;

export const changeTarget: FuzzTarget = {
  name: "change",
  summary:
    "a change with its checksum fixed: set aside or applied, and then it can be loaded again",

  open() {
    const writer = newReplica(0);
    const entries = writeEdits(writer, ADA);
    const neighbour = must(writeEdits(writer, BOB)[0], "an entry");
    const last = must(entries.at(-1), "an entry");
    const seeds = entries.map(({ change }) => change);
    return Promise.resolve({
      seeds,
      mutate: (input, random) =>
        mutateChunk(input, TYPE_CHANGE, random, must(seeds[random.below(seeds.length)], "a seed")),
      run(change) {
        const reader = newReplica(1);
        try {
          reader.ingest([...entries.slice(0, -1), neighbour], FROM);
          reader.flush();
          const hash = mustChangeHash(new Uint8Array(nameChange(change)));
          reader.ingest([{ ...last, change, hash }], FROM);
          reader.flush();
          for (let turn = 0; turn < UPKEEP_TURNS; turn++) {
            reader.upkeep();
            reader.flush();
          }
          expectThat(
            reader.read(BOB).snapshot?.json.includes("Ada") === true,
            "the neighbour is not served",
          );
          const shown = reader.read(ADA).snapshot;
          reader.flush();
          const row = reader.store.readDocument(reader.placeOf(last.docId));
          if (row === undefined || row.quarantined || row.dirty) return Promise.resolve();
          expectThat(reloaded(reader) === row.view, "what was stored does not show what is served");
          expectThat(shown === undefined || shown.json === row.view, "it was shown otherwise");
        } finally {
          reader.documents.clear();
        }
        return Promise.resolve();
      },
      close: () => Promise.resolve(),
    });
  },
};

/** From the stored bytes alone; a finding when they do not load. */
function reloaded(reader: ReturnType<typeof newReplica>): string {
  const body = must(reader.store.readBody(reader.placeOf(docIdOf(ADA))), "a body");
  try {
    const profile = codec.open(body, systemRandom.bytes(16));
    try {
      const again = codec.open(
        { base: profile.save(), tail: new Uint8Array() },
        systemRandom.bytes(16),
      );
      again.free();
      return profile.render().json;
    } finally {
      profile.free();
    }
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error;
    expectThat(false, `an accepted document does not load: ${error.message}`);
  }
}
