/** What the benches of HTTP and the servers they measure, each a process of its own, say to each other. */
import type { Profiler } from "node:inspector";
import type { JsonObject } from "@atoll/profile";

/** How a server is started: one argument of its process, as JSON. */
export type ServerPlan = BarePlan | RegionPlan | PouchPlan;

/** The limit of what is possible: `node:http`, the same bytes, nothing else. */
export interface BarePlan extends JsonObject {
  readonly kind: "bare";
  readonly body: string;
  /** What a POST is answered, if not the same. */
  readonly posted?: string;
}

/** PouchDB Server: see `pouchdb/server.cjs`. */
export interface PouchPlan extends JsonObject {
  readonly kind: "pouchdb";
  readonly directory: string;
}

export interface RegionPlan extends JsonObject {
  readonly kind: "region";
  readonly region: string;
  readonly regions: string[];
  /** A directory of this region's own. */
  readonly directory: string;
  /** What is put into the database before the region listens. */
  readonly prepare: {
    /** `rows`: only what reads look at, unless it is there already. `writes`: documents, as clients make them. */
    readonly as: "nothing" | "rows" | "writes";
    readonly profiles: number;
  };
}

export type ToServer =
  /** Where the regions listen for each other. */
  | { readonly kind: "peers"; readonly portByRegion: Readonly<Record<string, number>> }
  | { readonly kind: "usage" }
  /** Where its time goes from now on … */
  | { readonly kind: "sample" }
  /** … until now. */
  | { readonly kind: "profile" }
  | { readonly kind: "stop" };

export type FromServer =
  /** For other regions; 0 for a bare server. */
  | { readonly kind: "listening"; readonly peerPort: number }
  /** For clients. */
  | { readonly kind: "ready"; readonly port: number }
  /** Processor time so far: of the whole process, its helper threads included; of its main thread alone. Its memory now. */
  | {
      readonly kind: "usage";
      readonly micros: number;
      readonly mainMicros: number;
      readonly residentBytes: number;
    }
  | { readonly kind: "profile"; readonly profile: Profiler.Profile };
