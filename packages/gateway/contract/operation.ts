/**
 * A route as data: method, path, what it takes, what it gives.
 *
 * The router parses by these very schemas, so that a description made of them cannot differ from what
 * is served. A parameter that does not fit is a 400; a body that does not fit a 422 that names every
 * fault by JSON Pointer.
 */
import type { Request } from "express";
import type { z } from "zod";
import { AtollError, limits } from "@atoll/core";
import type { ErrorCode, FieldFault } from "@atoll/core";
import { childPointer } from "@atoll/profile";
import type { JsonValue } from "@atoll/profile";
import type { AnswerHeader, RequestHeader } from "./headers.ts";

export type Method = "get" | "put" | "patch" | "post" | "delete" | "query";

export interface Content {
  readonly description: string;
  /** By media type. Undefined for an answer without a body. */
  readonly content?: Readonly<Record<string, z.ZodType>>;
  /** Besides those of every answer. */
  readonly headers?: readonly AnswerHeader[];
}

export interface Operation {
  /** `operationId` of OpenAPI. */
  readonly id: string;
  readonly method: Method;
  /** As Express takes it: parameters after a colon, literal colons escaped. */
  readonly path: string;
  readonly summary: string;
  /** Of the path, by name; a profile's id unless told otherwise. */
  readonly parameters?: Readonly<Record<string, z.ZodType>>;
  readonly query?: z.ZodObject;
  /** What else of the request counts, besides what every route takes. */
  readonly headers?: readonly RequestHeader[];
  /** By media type. */
  readonly body?: Readonly<Record<string, z.ZodType>>;
  readonly responses: Readonly<Record<number, Content>>;
  readonly problems: readonly ErrorCode[];
}

/** Throws malformed-request. */
export function parseQuery<T extends z.ZodObject>(request: Request, schema: T): z.infer<T> {
  const parsed = schema.safeParse(request.query);
  if (parsed.success) return parsed.data;
  const faults = faultsOf(parsed.error);
  const [first] = faults;
  const name = first?.pointer.slice(1) ?? "";
  throw new AtollError("malformed-request", `${name || "query"}: ${first?.detail ?? "invalid"}`, {
    faults,
  });
}

/** Throws validation-failed with all faults. */
export function parseBody<T extends z.ZodType>(value: JsonValue, schema: T): z.infer<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const faults = faultsOf(parsed.error);
  const [first] = faults;
  const detail = `${first?.pointer || "the body"}: ${first?.detail ?? "invalid"}`;
  throw new AtollError("validation-failed", detail, { faults });
}

function faultsOf(error: z.ZodError): FieldFault[] {
  return error.issues.slice(0, limits.FAULTS_MAX).map((issue) => ({
    pointer: issue.path.reduce<string>((pointer, key) => childPointer(pointer, String(key)), ""),
    detail: issue.message,
    code: issue.code,
  }));
}
