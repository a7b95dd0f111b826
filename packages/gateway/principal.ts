/**
 * Who makes a request, and what its roles permit.
 *
 *     role      read  write  audit  observe  operate
 *     reader     x
 *     writer     x     x
 *     auditor    x            x       x
 *     operator                        x        x
 *
 * An operator runs the region and need not see anybody's profile; an auditor sees who wrote what and
 * changes nothing. Roles add up, so a person who does two jobs has two roles.
 */
import { DEFAULT_TENANT, ROLES } from "@atoll/core";
import type { Role, Tenant } from "@atoll/core";

/** What a route asks for. `anybody`: also of those who are nobody. */
export type Permission = "anybody" | "read" | "write" | "audit" | "observe" | "operate";

const PERMISSIONS: Readonly<Record<Role, readonly Permission[]>> = {
  reader: ["read"],
  writer: ["read", "write"],
  auditor: ["read", "audit", "observe"],
  operator: ["observe", "operate"],
};

export interface Principal {
  /** Stable, for logs, limits and the audit trail: `key:ci-writer`, `jwt:ISSUER#SUBJECT`. */
  readonly name: string;
  /** Whose profiles: taken from the credential, never from the request. */
  readonly tenant: Tenant;
  readonly roles: readonly Role[];
  /** Top-level members that it may see and set; undefined for all. */
  readonly fields: ReadonlySet<string> | undefined;
}

/** Of a listener that is open: on loopback, or declared insecure. */
export const OPEN_PRINCIPAL: Principal = {
  name: "open",
  tenant: DEFAULT_TENANT,
  roles: ROLES,
  fields: undefined,
};

/** Undefined: nobody needs one. */
export function rolesWith(permission: Permission): readonly Role[] | undefined {
  if (permission === "anybody") return undefined;
  return ROLES.filter((role) => PERMISSIONS[role].includes(permission));
}

export function permits(principal: Principal, permission: Permission): boolean {
  if (permission === "anybody") return true;
  return principal.roles.some((role) => PERMISSIONS[role].includes(permission));
}
