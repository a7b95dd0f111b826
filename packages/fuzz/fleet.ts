/** One cluster, schema and writer for all targets: what is mutated was written by the product itself. */
import type { Cluster, LogEntry, ProfileId, Region, RegionCode, RegionName } from "@atoll/core";
import {
  ManualClock,
  SeededRandom,
  VECTOR_ZERO,
  deriveClusterKeys,
  must,
  silentLog,
} from "@atoll/core";
import type { ProfileEdit } from "@atoll/profile";
import { ProfileCodec, socialProfileSchema } from "@atoll/profile";
import { Replica } from "@atoll/replica";
import type { Store } from "@atoll/store";
import { MemoryStore } from "@atoll/store";

export const codec = new ProfileCodec(socialProfileSchema);

export const cluster: Cluster = {
  id: "fuzz",
  shardCount: 16,
  regions: ["us-east-1", "eu-west-1"].map((name, i): Region => ({
    name: name as RegionName,
    code: (i + 1) as RegionCode,
  })),
  keys: deriveClusterKeys("a secret for fuzzing", "fuzz"),
};

/** A region's copy by itself. `place`: which region of the cluster. */
export function newReplica(place: number, store: Store = new MemoryStore()): Replica {
  const region = must(cluster.regions[place], "a region");
  const clock = new ManualClock();
  const random = new SeededRandom(region.name);
  return new Replica({ cluster, region, store, clock, random, log: silentLog, codec });
}

export const ADA = "ada" as ProfileId;
export const BOB = "bob" as ProfileId;

/** Edits of every kind that a document can have. */
export const EDITS: readonly ProfileEdit[] = [
  { kind: "put", value: { displayName: "Ada", interests: ["engines", "poetry"], bio: "A text." } },
  { kind: "merge-patch", patch: { location: { city: "London" }, extra: { deep: { n: [1, 2] } } } },
  {
    kind: "operations",
    operations: [
      { op: "increment", path: "/stats/followers", by: 3 },
      { op: "setAdd", path: "/interests", values: ["tea"] },
      { op: "textSplice", path: "/bio", index: 2, remove: 1, insert: "long " },
    ],
  },
  { kind: "merge-patch", patch: { displayName: "Ada L.", extra: { deep: null, list: [3, "x"] } } },
];

/** The entries of one profile, in order. */
export function writeEdits(writer: Replica, id: ProfileId, edits = EDITS): LogEntry[] {
  return edits.flatMap((edit) => {
    writer.write(id, edit, { precondition: {}, dep: VECTOR_ZERO, upsert: true });
    return writer.flush();
  });
}
