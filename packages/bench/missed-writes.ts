/**
 * A region that wrote alone for a while: what its peer has missed when it comes back.
 *
 * The writes go through the replica as requests would, each editor in a session, so that entries depend on
 * what their editors had seen. Only the fsync is spared: nobody measures this part.
 */
import type { Cluster, ManualClock, ProfileId, Region, RegionVector } from "@atoll/core";
import { SeededRandom, VECTOR_ZERO, isAtollError, joinVectors, silentLog } from "@atoll/core";
import type { ProfileEdit } from "@atoll/profile";
import { Replica } from "@atoll/replica";
import type { Store } from "@atoll/store";
import type { RecordedEdit } from "./edit-history.ts";
import { benchCodec } from "./region-pair.ts";

const WRITE_PERIOD_MS = 5;
const GROUP_WRITES = 64;

/** Writes until the log has so many entries; an edit that changes nothing makes none. */
export function writeAlone(
  edits: Iterator<RecordedEdit>,
  options: {
    readonly entries: number;
    readonly store: Store;
    readonly cluster: Cluster;
    readonly region: Region;
    readonly clock: ManualClock;
  },
): void {
  const { entries, clock } = options;
  const random = new SeededRandom("writes alone");
  const replica = new Replica({ ...options, random, log: silentLog, codec: benchCodec });
  const seenByEditor = new Map<number, RegionVector>();
  for (let written = 0; replica.ledger.changes < entries; written++) {
    const next = edits.next();
    if (next.done === true) break;
    const { editor, id, edit } = next.value;
    clock.advance(WRITE_PERIOD_MS);
    const dep = seenByEditor.get(editor) ?? VECTOR_ZERO;
    const result = writtenUnlessRefused(replica, id, edit, dep);
    if (result !== undefined && result.kind !== "absent") {
      const of = result.kind === "written" ? result.snapshot.dep : result.dep;
      seenByEditor.set(editor, joinVectors(dep, of));
    }
    if (written % GROUP_WRITES !== 0) continue;
    replica.upkeep();
    replica.flush();
  }
  replica.close();
}

/** Real people write what no schema allows, now and then: such an edit is refused, and not missed. */
export function writtenUnlessRefused(
  replica: Replica,
  id: ProfileId,
  edit: ProfileEdit,
  dep: RegionVector,
) {
  try {
    return replica.write(id, edit, { precondition: {}, dep, upsert: true });
  } catch (error) {
    if (isAtollError(error) && error.code === "validation-failed") return undefined;
    throw error;
  }
}
