/** Mounts operations: one resource per path, so that OPTIONS, `Allow` and 405 follow from them. */
import type { Express } from "express";
import type { Handler } from "./answer.ts";
import type { Operation } from "./contract/operation.ts";
import type { Methods } from "./resource.ts";
import { mountResource } from "./resource.ts";

export type ServedOperation = readonly [Operation, Handler];

export function mountOperations(app: Express, served: readonly ServedOperation[]): void {
  const methodsByPath = new Map<string, Methods>();
  for (const [{ path, method }, handler] of served) {
    methodsByPath.set(path, { ...methodsByPath.get(path), [method]: handler });
  }
  for (const [path, methods] of methodsByPath) mountResource(app, path, methods);
}
