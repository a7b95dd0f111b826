/**
 * Documents from a disk or a backup: a saved document with its checksum mutated, opened.
 *
 * It is refused by `DocumentError`, or it can be rendered, saved and opened again and shows the same.
 */
import { docIdOf, must, systemRandom } from "@atoll/core";
import { DocumentError } from "@atoll/profile";
import { TYPE_DOCUMENT, mutateChunk } from "./chunk.ts";
import { ADA, codec, newReplica, writeEdits } from "./fleet.ts";
import type { FuzzTarget } from "./target.ts";
import { expectThat } from "./target.ts";

const ACTOR = systemRandom.bytes(16);
const NO_TAIL = new Uint8Array();

export const documentTarget: FuzzTarget = {
  name: "document",
  summary: "a saved document with its checksum fixed: refused, or it can be saved and loaded again",

  open() {
    const writer = newReplica(0);
    writeEdits(writer, ADA);
    const body = must(writer.store.readBody(writer.placeOf(docIdOf(ADA))), "a body");
    const profile = codec.open(body, ACTOR);
    const saved = profile.inspect().save();
    profile.free();
    const empty = codec.open({ base: undefined, tail: NO_TAIL }, ACTOR);
    const seeds = [saved, empty.inspect().save()];
    empty.free();
    return Promise.resolve({
      seeds,
      mutate: (input, random) => mutateChunk(input, TYPE_DOCUMENT, random, saved),
      run(base) {
        const first = opened(base);
        if (first === undefined) return Promise.resolve();
        try {
          const second = opened(first.save());
          expectThat(second !== undefined, "an accepted document does not load again");
          const { json } = second.render();
          second.free();
          expectThat(
            json === first.render().json,
            "it shows something else when it is loaded again",
          );
        } catch (error) {
          // `save` proves what it saved, and says so when it cannot.
          if (!(error instanceof DocumentError)) throw error;
        } finally {
          first.free();
        }
        return Promise.resolve();
      },
      close: () => Promise.resolve(),
    });
  },
};

function opened(base: Uint8Array) {
  try {
    return codec.open({ base, tail: NO_TAIL }, ACTOR);
  } catch (error) {
    if (error instanceof DocumentError) return undefined;
    throw error;
  }
}
