/**
 * What Automerge's own sync protocol says about one pair of documents: the yardstick for comparing many.
 *
 * It compares document by document, so what two replicas of n documents say is n times what one pair says,
 * also when nothing differs. Here alone, beside `profile/document.ts`, Automerge is imported: its sync
 * protocol is not part of Atoll and should not become part of it in order to be measured.
 */
import * as A from "@automerge/automerge";
import { assert } from "@atoll/core";

export interface PairCost {
  /** Everything said but for the changes themselves. */
  readonly metadataBytes: number;
  readonly messages: number;
}

export interface AutomergeYardstick {
  /** Two copies that hold the same changes. */
  readonly equal: PairCost;
  /** One of them lacks the last change. */
  readonly oneBehind: PairCost;
}

const ACTOR = "aa".repeat(16);
const OTHER_ACTOR = "bb".repeat(16);

/** Documents of `changes` changes, each by one register, as the rest of the bench makes them. */
export function automergeYardstick(changes: number): AutomergeYardstick {
  const behind = documentOf(changes - 1);
  const whole = documentOf(changes);
  const last = A.getLastLocalChange(whole);
  assert(last !== undefined, "the document was changed");
  const equal = converse(copyOf(whole), copyOf(whole));
  const oneBehind = converse(copyOf(whole), copyOf(behind));
  return {
    equal,
    oneBehind: { ...oneBehind, metadataBytes: oneBehind.metadataBytes - last.length },
  };
}

function documentOf(changes: number): A.Doc<{ line?: unknown }> {
  let document = A.init<{ line?: unknown }>({ actor: ACTOR });
  for (let n = 0; n < changes; n++) {
    document = A.change(document, { time: n }, (draft) => {
      draft.line = new A.ImmutableString(`Line ${n}`);
    });
  }
  return document;
}

function copyOf<T>(document: A.Doc<T>): A.Doc<T> {
  return A.load<T>(A.save(document), { actor: OTHER_ACTOR });
}

/** Until neither has anything left to say. */
function converse<T>(ours: A.Doc<T>, theirs: A.Doc<T>): PairCost {
  let [a, b] = [ours, theirs];
  let [stateA, stateB] = [A.initSyncState(), A.initSyncState()];
  let bytes = 0;
  let messages = 0;
  for (let quiet = false; !quiet;) {
    quiet = true;
    const [nextA, fromA] = A.generateSyncMessage(a, stateA);
    stateA = nextA;
    if (fromA !== null) {
      [b, stateB] = A.receiveSyncMessage(b, stateB, fromA);
      bytes += fromA.length;
      messages++;
      quiet = false;
    }
    const [nextB, fromB] = A.generateSyncMessage(b, stateB);
    stateB = nextB;
    if (fromB !== null) {
      [a, stateA] = A.receiveSyncMessage(a, stateA, fromB);
      bytes += fromB.length;
      messages++;
      quiet = false;
    }
    assert(messages < 100, "the conversation ends");
  }
  assert(A.getHeads(a).join() === A.getHeads(b).join(), "the copies are equal");
  return { metadataBytes: bytes, messages };
}
