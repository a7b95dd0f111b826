/** What clients do, and the record of it: the same for processes in memory and for real ones. */
export type { ProfileEdit } from "@atoll/profile";
export type { Outcome, ProfileClient, RequestOptions, WriteRequest } from "./client.ts";
export { drawOperations } from "./draw.ts";
export type { WorkloadShape } from "./draw.ts";
export { History, isDone, isUnclear, isWrite } from "./history.ts";
export type { Call } from "./history.ts";
export { usageOf } from "./operation.ts";
export type { Action, Operation, Usage } from "./operation.ts";
export { replayOperations } from "./replay.ts";
export { Session } from "./session.ts";
