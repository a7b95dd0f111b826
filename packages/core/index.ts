/** The vocabulary of the house. No I/O but for the two doors that read time and chance. */

// the doors
export * from "./clock.ts";
export * from "./command-line.ts";
export * from "./log.ts";
export * from "./random.ts";
export * from "./sometimes.ts";

// what is measured
export * from "./metrics.ts";
export * from "./tracing.ts";

// names and bounds
export * from "./assert.ts";
export * from "./cluster.ts";
export * from "./errors.ts";
export * from "./ids.ts";
export * from "./keys.ts";
export * as limits from "./limits.ts";
export * from "./region-process.ts";
export * from "./region-uri.ts";
export * from "./role.ts";

// what replicas speak about
export * from "./byte-stream.ts";
export * from "./change-name.ts";
export * from "./copied-bytes.ts";
export * from "./digest.ts";
export * from "./frontier.ts";
export * from "./hlc.ts";
export * from "./lane-map.ts";
export * from "./log-entry.ts";
export * from "./region-vector.ts";
export * from "./spending.ts";
export * from "./tree-node.ts";
