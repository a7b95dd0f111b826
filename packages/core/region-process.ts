/**
 * How Node is told to run a region, wherever one is started: by `atoll local`, in a container, by systemd.
 *
 * V8 chooses the size of its nursery by the machine's memory, not by what a process needs: 64 MiB a half on one
 * of 24 GiB, all of it touched by a region that is busy. It can be told only before it starts.
 */
import { NURSERY_HALF_MIB } from "./limits.ts";

/** Of the command line; allowed in the variable NODE_OPTIONS, too. */
export const REGION_NODE_OPTIONS: readonly string[] = [`--max-semi-space-size=${NURSERY_HALF_MIB}`];
