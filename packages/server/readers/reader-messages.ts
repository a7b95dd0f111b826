/** What a region's process and its readers tell each other, over the channel that `node:cluster` gives them. */
import type { MetricLabels, MetricName, Spending } from "@atoll/core";

/** Values of one metric since they were last told. */
export interface Measured {
  readonly name: MetricName;
  readonly labels: MetricLabels;
  readonly values: readonly number[];
}

export type FromReader =
  | { readonly kind: "listening"; readonly port: number }
  /** It cannot listen; `code` as `listen` says it. It ends by itself. */
  | { readonly kind: "failed"; readonly code: string | undefined; readonly message: string }
  | { readonly kind: "measured"; readonly measured: readonly Measured[] }
  /** Requests that it let through. */
  | { readonly kind: "spent"; readonly spent: readonly Spending[] };

/** Finish what is under way, then end. */
export type ToReader = { readonly kind: "stop" };

/** The name of the socket in the data directory on which a region takes what its readers hand over. */
export const HAND_OVER_SOCKET = "gateway.sock";
