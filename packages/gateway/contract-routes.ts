/** Mounts operations: one resource per path, so that OPTIONS, `Allow` and 405 follow from them. */
import type { Express } from "express";
import { assert } from "@atoll/core";
import type { Handler } from "./answer.ts";
import { ADMIN_OPERATIONS } from "./contract/admin-operations.ts";
import type { Operation } from "./contract/operation.ts";
import { OPERATIONS } from "./contract/operations.ts";
import type { Methods } from "./resource.ts";
import { mountResource } from "./resource.ts";

export type ServedOperation = readonly [Operation, Handler];

export function mountOperations(app: Express, served: readonly ServedOperation[]): void {
  const methodsByPath = new Map<string, Methods>();
  for (const [operation, handler] of served) {
    const { path, method, id, body } = operation;
    const isDescribed = OPERATIONS.has(operation) || ADMIN_OPERATIONS.has(operation);
    assert(isDescribed, `${id} is not among the operations that are described`);
    methodsByPath.set(path, {
      ...methodsByPath.get(path),
      [method]: handler,
      ...(method === "patch" && { acceptPatch: Object.keys(body ?? {}) }),
    });
  }
  for (const [path, methods] of methodsByPath) mountResource(app, path, methods);
}
