/** A whole fleet in one process, from one seed. */
export { campaign, seedText, seedsFrom } from "./campaign.ts";
export type { Failure, Tally } from "./campaign.ts";
export { PLANTED, plantedByName } from "./planted.ts";
export { drawSchedule } from "./schedule.ts";
export type { Item, Schedule } from "./schedule.ts";
export { shrink } from "./shrink.ts";
export { simulate } from "./simulation.ts";
export type { RunOptions, RunResult } from "./simulation.ts";
