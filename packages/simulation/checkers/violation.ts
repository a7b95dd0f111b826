/** A promise that was broken: by which checker it was seen, and what it saw. */
export interface Violation {
  readonly checker: string;
  readonly message: string;
  /** Since the start of the run; when it was seen, which may be long after it happened. */
  readonly atMs: number;
}

export type Found = Omit<Violation, "atMs">;
