/**
 * The three bodies of PATCH, each by its media type, made into one edit.
 *
 *     application/merge-patch+json       what should be there, null for what should not (RFC 7396)
 *     application/json-patch+json        steps on the JSON (RFC 6902)
 *     application/vnd.atoll.ops+json     intentions: increment, setAdd, textSplice …
 */
import type { Request } from "express";
import { unreachable } from "@atoll/core";
import type { ProfileEdit } from "@atoll/profile";
import { parseBody } from "./contract/operation.ts";
import { patchProfile } from "./contract/profile.ts";
import { JSON_PATCH_TYPE, MERGE_PATCH_TYPE, OPERATIONS_TYPE } from "./media-type.ts";
import { asObject, readJsonOf } from "./request.ts";

const PATCH_TYPES = [MERGE_PATCH_TYPE, JSON_PATCH_TYPE, OPERATIONS_TYPE] as const;

export interface PatchBody {
  readonly edit: ProfileEdit;
  /** As received. */
  readonly bytes: Uint8Array;
}

export async function readPatch(request: Request): Promise<PatchBody> {
  const { body } = patchProfile;
  const { type, value, bytes } = await readJsonOf(request, PATCH_TYPES);
  switch (type) {
    case MERGE_PATCH_TYPE:
      return { edit: { kind: "merge-patch", patch: asObject(value) }, bytes };
    case JSON_PATCH_TYPE:
      return {
        edit: { kind: "json-patch", operations: parseBody(value, body[JSON_PATCH_TYPE]) },
        bytes,
      };
    case OPERATIONS_TYPE: {
      const operations = parseBody(value, body[OPERATIONS_TYPE]);
      return { edit: { kind: "operations", operations }, bytes };
    }
    default:
      return unreachable(type);
  }
}
