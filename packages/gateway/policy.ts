/**
 * Who may use which route: one table, and what is not in it cannot be mounted.
 *
 * Default deny is not a rule that somebody must remember to write at each route. `mountResource` looks
 * every method of every path up here when the application is made, so a route without a line does not
 * start, and a line without a route fails a test.
 *
 * `load` is the bulkhead that a request goes through: kinds that take long are counted by kind, so that
 * a thousand slow readers of one kind leave the others their room.
 */
import { assert } from "@atoll/core";
import type { Permission } from "./principal.ts";

export type Load = "health" | "read" | "write" | "bulk" | "feed" | "admin";

export interface Access {
  readonly permission: Permission;
  /** It shows everything of a profile, so it is not for who may see some members only. */
  readonly whole?: true;
  readonly load: Load;
}

const health: Access = { permission: "anybody", load: "health" };
const read: Access = { permission: "read", load: "read" };
const write: Access = { permission: "write", load: "write" };
const bulkRead: Access = { permission: "read", load: "bulk" };
const bulkWrite: Access = { permission: "write", load: "bulk" };
const audit: Access = { permission: "audit", load: "read", whole: true };
const whole: Access = { permission: "read", load: "read", whole: true };
const feed: Access = { permission: "read", load: "feed" };
const observe: Access = { permission: "observe", load: "admin" };
const inspect: Access = { permission: "audit", load: "admin", whole: true };
const operate: Access = { permission: "operate", load: "admin" };

/** By method and path as mounted. GET stands for HEAD too. */
export const POLICY: Readonly<Record<string, Access>> = {
  "GET /livez": health,
  "GET /startupz": health,
  "GET /readyz": health,

  "POST /v1/profiles": write,
  "GET /v1/profiles/:id": read,
  "PUT /v1/profiles/:id": write,
  "PATCH /v1/profiles/:id": write,
  "DELETE /v1/profiles/:id": write,
  "GET /v1/profiles/:id/conflicts": whole,
  "POST /v1/profiles/:id/conflicts/resolve": write,
  "GET /v1/profiles/:id/history": audit,
  "GET /v1/profiles/:id/diff": audit,
  "GET /v1/profiles/:id/explain": audit,
  "POST /v1/profiles/:id/revert": write,
  "GET /v1/profiles/:id/snapshot": audit, // the whole past is in it
  "GET /v1/profiles/:id/changes": audit,
  "GET /v1/profiles": read,
  "QUERY /v1/profiles": bulkRead,
  "POST /v1/profiles\\:batchGet": bulkRead,
  "POST /v1/profiles\\:batchWrite": bulkWrite,
  "GET /v1/changes": feed,
  "GET /v1/schema": read,
  "GET /v1/schema/versions": read,
  "GET /v1/regions": read,
  "GET /v1/openapi.json": health,
  "GET /v1/openapi.yaml": health,
  "GET /v1/docs": health,

  "GET /metrics": observe,
  "GET /admin/v1/status": observe,
  "GET /admin/v1/peers": observe,
  "GET /admin/v1/config": observe,
  "GET /admin/v1/build": observe,
  "PUT /admin/v1/peers/:region/state": operate,
  "POST /admin/v1/peers/:region/compare": operate,
  "GET /admin/v1/merkle": observe,
  "GET /admin/v1/merkle/shards": observe,
  "GET /admin/v1/merkle/node": observe,
  "GET /admin/v1/merkle/above": observe,
  "GET /admin/v1/merkle/statement": observe,
  "GET /admin/v1/keys": observe,
  "GET /admin/v1/audit": observe,
  "POST /admin/v1/drain": operate,
  "POST /admin/v1/undrain": operate,
  "GET /admin/v1/actors": observe,
  "GET /admin/v1/documents/:docId": observe,
  "GET /admin/v1/documents/:docId/content": inspect,
  "GET /admin/v1/documents/:docId/changes": inspect,
  "POST /admin/v1/documents/:docId/merge-preview": inspect, // it writes nothing
  "GET /admin/v1/quarantine": observe,
  "GET /admin/v1/quarantine/:id": operate, // it shows bytes of somebody's profile
  "DELETE /admin/v1/quarantine/:id": operate,
  "POST /admin/v1/quarantine/:id/retry": operate,
  "GET /admin/v1/verify": observe,
  "POST /admin/v1/verify": operate,
};

export function accessOf(method: string, path: string): Access {
  const access = POLICY[`${method.toUpperCase()} ${path}`];
  assert(access !== undefined, `${method.toUpperCase()} ${path} is not in the policy`);
  return access;
}
