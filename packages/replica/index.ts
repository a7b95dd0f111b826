/** One region's copy, and the driver that gives it its life. */
export { RegionDriver } from "./driver.ts";
export type { DriverOptions } from "./driver.ts";
export type { ReadAnswer, RegionService, ServiceWriteOptions, WriteAnswer } from "./service.ts";
export type { CopyFindings, CopyToCheck, ShardAccount } from "./copy-check.ts";
export { checkCopy, emptyFindings, shardAccounts } from "./copy-check.ts";
export { etagOf } from "./heads.ts";
export type { Precondition } from "./precondition.ts";
export type { Durability, Receipt, ReceiptOptions } from "./receipts.ts";
export { Replica } from "./replica.ts";
export type { RetentionOptions, RetentionReport } from "./retention.ts";
export { Retention } from "./retention.ts";
export type { ReadResult, ReplicaOptions, WriteResult } from "./replica.ts";
export type { IngestCounts, Sender } from "./arrivals.ts";
export type { SessionOptions } from "./sessions.ts";
export type { Snapshot } from "./snapshot.ts";
export type { PeerReport, RegionStatus } from "./status.ts";
export { depthFor } from "./tree.ts";
export type { AboveCut, Holdings, NamedCut, NodeAtCut, ShardSums } from "./truth-desk.ts";
