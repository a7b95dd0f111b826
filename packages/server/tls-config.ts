/**
 * The key `tls` of a configuration: where its files are, and what is wrong inside them.
 *
 * Judged beside the shape and not after it, so that a wrong file is told together with a wrong key.
 */
import { resolve } from "node:path";
import type { FieldFault } from "@atoll/core";
import { configShape, toPointer } from "./config-schema.ts";
import type { TlsPaths } from "./tls-files.ts";
import { readTlsFiles } from "./tls-files.ts";

type Tree = Readonly<Record<string, unknown>>;

/** Undefined without tls, and when its shape is wrong. */
export function findTlsFiles(
  tree: Tree,
  directoryOf: (variable: string) => string,
): TlsPaths | undefined {
  const { data } = configShape.shape.tls.safeParse(tree["tls"]);
  return (
    data && {
      ca: resolve(directoryOf("ATOLL_TLS_CA"), data.ca),
      cert: resolve(directoryOf("ATOLL_TLS_CERT"), data.cert),
      key: resolve(directoryOf("ATOLL_TLS_KEY"), data.key),
    }
  );
}

export function tlsFileFaults(tree: Tree, paths: TlsPaths, nowMs: number): FieldFault[] {
  const { cluster, region } = tree as { cluster?: { id?: unknown }; region?: unknown };
  const owner = {
    clusterId: typeof cluster?.id === "string" ? cluster.id : "",
    region: typeof region === "string" ? region : "",
  };
  return readTlsFiles(paths, owner, nowMs).faults.map(({ file, detail }) => {
    return { pointer: toPointer(["tls", file]), detail, code: "invalid-value" };
  });
}
