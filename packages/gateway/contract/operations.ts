/**
 * Every public operation, in the groups and the order in which they are described.
 *
 * What is not in this list cannot be mounted on the public listener (`contract-routes.ts`), so a route
 * that nobody described does not start.
 */
import { createProfile } from "./create.ts";
import { getDocs, getOpenapiJson, getOpenapiYaml } from "./documentation.ts";
import { getFeed } from "./feed.ts";
import { getLive, getReady, getStarted } from "./health.ts";
import type { Operation } from "./operation.ts";
import {
  explainValue,
  getConflicts,
  getDiff,
  getHistory,
  resolveConflict,
  revertProfile,
} from "./past.ts";
import { deleteProfile, getProfile, patchProfile, putProfile } from "./profile.ts";
import { batchGet, getChanges, getSnapshot, listProfiles, queryProfiles } from "./reads.ts";
import { getRegions } from "./regions.ts";
import { getSchema, getSchemaVersions } from "./schema.ts";
import { batchWrite } from "./writes.ts";

export interface OperationGroup {
  readonly name: string;
  readonly description: string;
  readonly operations: readonly Operation[];
}

export const OPERATION_GROUPS: readonly OperationGroup[] = [
  {
    name: "Profiles",
    description: "One profile, under its id.",
    operations: [createProfile, putProfile, getProfile, patchProfile, deleteProfile],
  },
  {
    name: "The past",
    description: "What concurrent writes left, who wrote what, and back again.",
    operations: [getConflicts, resolveConflict, explainValue, getHistory, getDiff, revertProfile],
  },
  {
    name: "Many",
    description: "Lists, and many profiles in one request.",
    operations: [listProfiles, batchGet, queryProfiles, batchWrite],
  },
  {
    name: "Documents",
    description: "For programs that speak Automerge themselves.",
    operations: [getSnapshot, getChanges],
  },
  {
    name: "The feed",
    description: "What changed, as it changes.",
    operations: [getFeed],
  },
  {
    name: "The region",
    description: "What it is, what it takes, and how it is.",
    operations: [
      getSchema,
      getSchemaVersions,
      getRegions,
      getOpenapiJson,
      getOpenapiYaml,
      getDocs,
      getLive,
      getStarted,
      getReady,
    ],
  },
];

export const OPERATIONS: ReadonlySet<Operation> = new Set(
  OPERATION_GROUPS.flatMap(({ operations }) => operations),
);
