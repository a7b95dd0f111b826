/**
 * A request for each operation, and what came back.
 *
 * They are tried against a real region by a test, in the order of the groups, deletions last. What only an
 * earlier answer can tell stands here as it was once told: `HEAD` is a version of `ada`. Whoever sends
 * these requests puts in one of their own.
 */
import type { JsonValue } from "@atoll/profile";
import { EXAMPLE_ANSWERS } from "./example-answers.ts";
import { JSON_PATCH_TYPE, JSON_TYPE, MERGE_PATCH_TYPE, OPERATIONS_TYPE } from "../media-type.ts";
import { REQUEST_HEADERS } from "./headers.ts";

export interface OperationExample {
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  /** By media type. */
  readonly body?: Readonly<Record<string, JsonValue>>;
  readonly answer?: Readonly<Record<string, JsonValue>>;
}

const HEAD = REQUEST_HEADERS["Base-Version"].example;
const path = { id: "ada" };
const ada = {
  displayName: "Ada Lovelace",
  headline: "Analyst of engines",
  location: { city: "London" },
};

const REQUESTS: Readonly<Record<string, OperationExample>> = {
  createProfile: { body: { [JSON_TYPE]: { displayName: "Grace Hopper" } } },
  putProfile: { path, body: { [JSON_TYPE]: ada } },
  getProfile: { path, query: { fields: "displayName,location/city", at: HEAD } },
  patchProfile: {
    path,
    query: { upsert: "true" },
    body: {
      [MERGE_PATCH_TYPE]: { location: { country: "GB" }, links: [{ label: "Notes" }] },
      [JSON_PATCH_TYPE]: [
        { op: "test", path: "/links/0/label", value: "Notes" },
        { op: "replace", path: "/links/0/label", value: "Notes on the engine" },
      ],
      [OPERATIONS_TYPE]: [
        { op: "increment", path: "/stats/followers", by: 1 },
        { op: "setAdd", path: "/interests", values: ["engines"] },
        { op: "textUpdate", path: "/bio", value: "Writes programs." },
        { op: "listInsert", path: "/links", values: [{ label: "Letters" }] },
      ],
    },
  },
  deleteProfile: { path },
  getProfileConflicts: { path },
  resolveProfileConflict: {
    path,
    body: { [JSON_TYPE]: { pointer: "/headline", value: "Analyst of engines" } },
  },
  explainProfileValue: { path, query: { pointer: "/headline" } },
  getProfileHistory: { path, query: { pageSize: "20" } },
  getProfileDiff: { path, query: { from: HEAD, format: "json-patch" } },
  revertProfile: { path, body: { [JSON_TYPE]: { to: [HEAD], paths: ["/headline"] } } },
  listProfiles: {
    query: {
      pageSize: "20",
      orderBy: "updatedAt",
      updatedSince: "2026-03-01T12:00:00Z",
      fields: "displayName,location/city",
    },
  },
  batchGetProfiles: { body: { [JSON_TYPE]: { ids: ["ada", "nobody"], fields: ["displayName"] } } },
  queryProfiles: { body: { [JSON_TYPE]: { ids: ["ada", "nobody"], fields: ["displayName"] } } },
  batchWriteProfiles: {
    body: {
      [JSON_TYPE]: {
        writes: [
          { id: "alan", method: "put", data: { displayName: "Alan Turing" } },
          { id: "ada", method: "mergePatch", patch: { pronouns: "she/her" } },
        ],
      },
    },
  },
  getProfileSnapshot: { path },
  getProfileChanges: { path, query: { heads: HEAD } },
  getChanges: { query: { limit: "10", include: "data" } },
  getReady: { query: { verbose: "1" } },
};

export const EXAMPLES: Readonly<Record<string, OperationExample>> = Object.fromEntries(
  [...new Set([...Object.keys(REQUESTS), ...Object.keys(EXAMPLE_ANSWERS)])].map((id) => {
    const answer = EXAMPLE_ANSWERS[id];
    return [id, { ...REQUESTS[id], ...(answer !== undefined && { answer }) }];
  }),
);
