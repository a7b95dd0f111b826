/** Automerge changes as a replica makes them, for a log that is written without one. */
import type { ChangeHash, Origin, ProfileId } from "@atoll/core";
import { ByteWriter, DEFAULT_TENANT, assert } from "@atoll/core";
import type { ProfileCodec } from "@atoll/profile";

export interface RealChange {
  readonly hash: ChangeHash;
  readonly change: Uint8Array;
}

/** As one writer would make them, one after the other. */
export function makeRealChanges(codec: ProfileCodec, origin: Origin, count: number): RealChange[] {
  const identity = { tenant: DEFAULT_TENANT, id: "somebody" as ProfileId };
  const context = { timeSeconds: 0, deletedAtMs: 0, identity };
  const profile = codec.create(identity, actorOf(origin));
  try {
    return Array.from({ length: count }, (_, n) => {
      const patch = { headline: `Line ${n} of many` };
      const edited = profile.edit(
        n === 0 ? { kind: "put", value: patch } : { kind: "merge-patch", patch },
        context,
      );
      assert(edited.changed, "every edit says something new");
      assert(edited.containers.length === 0, "declared members need no containers");
      return { hash: edited.hash, change: edited.change };
    });
  } finally {
    profile.free();
  }
}

/** An actor begins with its origin. */
function actorOf(origin: Origin): Uint8Array {
  return new ByteWriter(16).u64(BigInt(origin)).raw(new Uint8Array(8)).finish();
}
