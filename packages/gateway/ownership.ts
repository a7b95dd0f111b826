/**
 * What of the profiles belongs to whoever asks: their tenant's, and of those the members that they may see.
 *
 * Tenant and members come from the credential alone. Ids go in with the tenant in front and come out
 * without, so nothing behind this line can meet another tenant's profile by mistake, and nothing in
 * front of it can name one.
 */
import { AtollError, assert, profileOf, splitProfileId, unreachable } from "@atoll/core";
import type { FieldFault, ProfileId, Span, Tenant } from "@atoll/core";
import { parsePointer } from "@atoll/profile";
import type { Authorship, ProfileEdit } from "@atoll/profile";
import type { Reply } from "./answer.ts";
import type { Fields } from "./fields.ts";
import { onlyFields } from "./fields.ts";
import { OPEN_PRINCIPAL, permits } from "./principal.ts";
import type { Principal } from "./principal.ts";

export function principalOf(reply: Reply): Principal {
  const { principal } = reply.locals;
  assert(principal !== undefined, "a route of profiles is behind the gate");
  return principal;
}

export function tenantOf(reply: Reply): Tenant {
  return principalOf(reply).tenant;
}

/**
 * What travels with a write of who asked for it, which is nobody on a listener that is open, and of its
 * trace.
 */
export function authorshipOf(reply: Reply): { readonly by?: Authorship; readonly span?: Span } {
  const principal = principalOf(reply);
  const { span } = reply.locals;
  return {
    ...(principal !== OPEN_PRINCIPAL && { by: { principal: principal.name } }),
    ...(span !== undefined && { span }),
  };
}

/** A client's id as the region knows it. */
export function ownProfile(reply: Reply, id: ProfileId): ProfileId {
  return profileOf(tenantOf(reply), id);
}

/** A profile's id as its clients know it. */
export function shownId(id: ProfileId): ProfileId {
  return splitProfileId(id).id;
}

/** Of the members asked for, those that may be seen; undefined for all. */
export function shownFields(reply: Reply, asked: Fields | undefined): Fields | undefined {
  return onlyFields(asked, principalOf(reply).fields);
}

/** Versions that have been are for those who may look into the past. Throws forbidden. */
export function mayLookBack(reply: Reply): void {
  if (permits(principalOf(reply), "audit")) return;
  throw new AtollError(
    "forbidden",
    "none of your roles permits looking at earlier versions (audit)",
  );
}

/** Throws forbidden for an edit that reaches beyond the members that the principal may set. */
export function refuseOtherFields(reply: Reply, edit: ProfileEdit): void {
  const { fields } = principalOf(reply);
  if (fields === undefined) return;
  const names = membersOf(edit);
  if (names === undefined) {
    throw new AtollError(
      "forbidden",
      "you may set some members only: patch them, instead of saying what the whole profile is",
    );
  }
  const others = [...new Set(names)].filter((name) => !fields.has(name));
  if (others.length === 0) return;
  const faults = others.map((name): FieldFault => {
    return { pointer: `/${name}`, detail: "is not yours to set", code: "forbidden" };
  });
  throw new AtollError("forbidden", "some members are not yours to set", { faults });
}

/** The top-level members that an edit may touch; undefined for all of them. */
function membersOf(edit: ProfileEdit): readonly string[] | undefined {
  switch (edit.kind) {
    case "put":
    case "delete":
      return undefined;
    case "merge-patch":
      return Object.keys(edit.patch);
    case "increment":
      return topsOf([edit.pointer]);
    case "json-patch":
      return topsOf(
        edit.operations.flatMap((op) => ("from" in op ? [op.path, op.from] : [op.path])),
      );
    case "operations":
      return topsOf(edit.operations.map(({ path }) => path));
    case "revert":
      return edit.pointers && topsOf(edit.pointers);
    default:
      return unreachable(edit);
  }
}

/** Undefined when one of them is the whole profile, or no pointer. */
function topsOf(pointers: readonly string[]): readonly string[] | undefined {
  const tops = pointers.map((pointer) => parsePointer(pointer)?.[0]);
  return tops.every((top) => top !== undefined) ? tops : undefined;
}
