/** Schemas of the values that several routes take or give. */
import { z } from "zod";
import { fromHex, limits, mustChangeHash, parseProfileId } from "@atoll/core";
import type { ChangeHash, ProfileId } from "@atoll/core";
import { parsePointer } from "@atoll/profile";
import type { JsonObject, JsonScalar, JsonValue } from "@atoll/profile";

/** Already checked against every bound when the body was parsed. */
export const jsonValue: z.ZodType<JsonValue> = z
  .custom<JsonValue>((value) => value !== undefined, { error: "is missing" })
  .meta({ description: "Any JSON" });
export const jsonObject: z.ZodType<JsonObject> = z
  .custom<JsonObject>(
    (value) => typeof value === "object" && value !== null && !Array.isArray(value),
    { error: "must be a JSON object" },
  )
  .meta({ type: "object" });
export const jsonScalar: z.ZodType<JsonScalar> = z
  .custom<JsonScalar>(
    (value) => value === null || ["string", "number", "boolean"].includes(typeof value),
    { error: "must be a string, number, boolean or null" },
  )
  .meta({ type: ["string", "number", "boolean", "null"] });

/** What is no JSON: its media type says all. */
export const binary = z.instanceof(Uint8Array).meta({ description: "Bytes" });

export const pointer = z
  .string()
  .refine((text) => parsePointer(text) !== undefined, "must be a JSON Pointer (RFC 6901)")
  .meta({ format: "json-pointer" });
/** Of a member or item: not of the whole. */
export const innerPointer = pointer
  .min(1, "must name a member or item")
  .meta({ format: "json-pointer" });

export const profileId = z
  .string()
  .refine((id) => parseProfileId(id) !== undefined, "is not a profile id")
  .meta({ description: "A letter or digit, then up to 127 letters, digits or any of . _ : ~ -" })
  .transform((id) => id as ProfileId);

export const changeHashHex = z
  .string()
  .regex(/^[0-9a-f]{64}$/, "must be a change: 64 hexadecimal digits");
export const changeHash = changeHashHex.transform((hex) => mustChangeHash(fromHex(hex)));

/** A version: the changes that no other change of it builds on. */
export const heads = z.array(changeHash).min(1).max(limits.VERSION_HEADS_MAX);

/** The same as text: separated by commas, as `Document-Heads` gives it. */
export const headsText = z
  .string()
  .meta({ description: "Changes, 64 hexadecimal digits each, separated by commas" })
  .transform((text) => text.split(",").map((part) => part.trim()))
  .pipe(heads);

export const time = z.iso.datetime({ offset: true });

export type Heads = readonly ChangeHash[];
