/** The bodies that PATCH takes, but for merge-patch, which is any object. */
import { z } from "zod";
import { limits } from "@atoll/core";
import { innerPointer, jsonScalar, jsonValue, pointer } from "./values.ts";

/** RFC 6902. Members that it does not know are ignored, as it asks. */
export const jsonPatch = z
  .array(
    z.discriminatedUnion("op", [
      z.object({ op: z.literal("add"), path: pointer, value: jsonValue }),
      z.object({ op: z.literal("replace"), path: pointer, value: jsonValue }),
      z.object({ op: z.literal("test"), path: pointer, value: jsonValue }),
      z.object({ op: z.literal("remove"), path: pointer }),
      z.object({ op: z.literal("move"), path: pointer, from: pointer }),
      z.object({ op: z.literal("copy"), path: pointer, from: pointer }),
    ]),
  )
  .meta({ id: "JsonPatch" });

const index = z.int().min(0).max(limits.CHANGE_OPS_MAX);
const path = innerPointer;

const resolve = z
  .strictObject({
    op: z.literal("resolve"),
    path,
    opId: z.string().optional(),
    value: jsonValue.optional(),
  })
  .refine(({ opId, value }) => (opId === undefined) !== (value === undefined), {
    error: 'either "opId" or "value" must be there, not both',
  });

/** Unknown members are refused: a mistyped `count` must not remove one item. */
export const nativeOperations = z
  .array(
    z.discriminatedUnion("op", [
      z.strictObject({ op: z.literal("set"), path, value: jsonValue }),
      z.strictObject({ op: z.literal("unset"), path }),
      z.strictObject({ op: z.literal("increment"), path, by: z.int() }),
      z.strictObject({
        op: z.literal("listInsert"),
        path,
        index: index.optional(),
        values: z.array(jsonValue),
      }),
      z.strictObject({
        op: z.literal("listRemove"),
        path,
        index,
        count: index.min(1).optional(),
      }),
      z.strictObject({ op: z.literal("setAdd"), path, values: z.array(jsonScalar) }),
      z.strictObject({ op: z.literal("setRemove"), path, values: z.array(jsonScalar) }),
      z.strictObject({
        op: z.literal("textSplice"),
        path,
        index,
        remove: index.optional(),
        insert: z.string().optional(),
      }),
      z.strictObject({ op: z.literal("textUpdate"), path, value: z.string() }),
      resolve,
    ]),
  )
  .meta({ id: "NativeOperations" });
