/**
 * What goes wrong in a run, as data beside the operations. Every fault ends by itself, so that any of them can
 * be taken out of a schedule and the rest still means the same. Regions are named by their place.
 */
export type Fault =
  /** Nothing passes; `isOneWay`: from the first to the second only. */
  | {
      readonly kind: "cut";
      readonly atMs: number;
      readonly a: number;
      readonly b: number;
      readonly isOneWay: boolean;
      readonly forMs: number;
    }
  | { readonly kind: "isolate"; readonly atMs: number; readonly at: number; readonly forMs: number }
  | { readonly kind: "break"; readonly atMs: number; readonly a: number; readonly b: number }
  | {
      readonly kind: "clog";
      readonly atMs: number;
      readonly a: number;
      readonly b: number;
      readonly extraMs: number;
      readonly forMs: number;
    }
  | {
      readonly kind: "throttle";
      readonly atMs: number;
      readonly a: number;
      readonly b: number;
      readonly bytesPerMs: number;
      readonly forMs: number;
    }
  /** kill -9 or a power cut. `when`: at once, or inside the next commit. */
  | {
      readonly kind: "crash";
      readonly atMs: number;
      readonly at: number;
      readonly when: "now" | "before-commit" | "after-commit" | "torn-commit";
      /** The others get no reset: the machine is gone. */
      readonly isSilent: boolean;
      readonly downMs: number;
    }
  | { readonly kind: "stop"; readonly atMs: number; readonly at: number; readonly downMs: number }
  | { readonly kind: "pause"; readonly atMs: number; readonly at: number; readonly forMs: number }
  | {
      readonly kind: "slow";
      readonly atMs: number;
      readonly at: number;
      readonly costMs: number;
      readonly forMs: number;
    }
  | { readonly kind: "clock"; readonly atMs: number; readonly at: number; readonly byMs: number }
  /** Commits fail: no room, somebody holds the file, or the disk says no. */
  | {
      readonly kind: "disk";
      readonly atMs: number;
      readonly at: number;
      readonly how: "full" | "busy" | "error";
      readonly rate: number;
      readonly forMs: number;
    }
  /** Crash, and the disk has lost commits that it had confirmed. */
  | {
      readonly kind: "lost-tail";
      readonly atMs: number;
      readonly at: number;
      readonly commits: number;
      readonly downMs: number;
    }
  /** Crash, and what comes back is the disk as it was some time ago. */
  | {
      readonly kind: "restore";
      readonly atMs: number;
      readonly at: number;
      readonly ageMs: number;
      readonly downMs: number;
      /** The copy was taken after an orderly stop. */
      readonly isOrderly: boolean;
    }
  /** A copy of the disk runs in its place for a while, then the disk itself again. */
  | {
      readonly kind: "clone";
      readonly atMs: number;
      readonly at: number;
      readonly ageMs: number;
      readonly forMs: number;
    }
  | {
      readonly kind: "bit-flip";
      readonly atMs: number;
      readonly at: number;
      /** Which column of which row and which bit follow from it. */
      readonly draw: number;
    }
  | { readonly kind: "verify"; readonly atMs: number; readonly at: number }
  /** An operator takes a link down; with it again, what was set aside is judged anew. */
  | {
      readonly kind: "operator";
      readonly atMs: number;
      readonly a: number;
      readonly b: number;
      readonly forMs: number;
    };

export type FaultKind = Fault["kind"];

export const FAULT_KINDS: readonly FaultKind[] = [
  "cut",
  "isolate",
  "break",
  "clog",
  "throttle",
  "crash",
  "stop",
  "pause",
  "slow",
  "clock",
  "disk",
  "lost-tail",
  "restore",
  "clone",
  "bit-flip",
  "verify",
  "operator",
];

/** A disk that lies or goes back: what it had confirmed may be gone. */
export function isLossy(kind: FaultKind): boolean {
  return kind === "lost-tail" || kind === "restore" || kind === "clone" || kind === "bit-flip";
}
