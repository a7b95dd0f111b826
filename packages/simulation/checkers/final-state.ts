/** What one region holds when all is over: everything that the checkers of final states look at. */
export interface FinalDocument {
  /** Hexadecimal. */
  readonly docId: string;
  readonly id: string | undefined;
  /** Hexadecimal, sorted, 64 digits each, in one string. */
  readonly heads: string;
  /** Canonical JSON; undefined when the profile is not shown. */
  readonly json: string | undefined;
  /** What lies under a profile that is not shown. */
  readonly hidden: string | undefined;
  readonly isQuarantined: boolean;
}

export interface FinalState {
  readonly region: string;
  readonly documents: readonly FinalDocument[];
  /** Names of all changes in the log. */
  readonly changes: ReadonlySet<string>;
  /**
   * The running account, and the same counted from the log, the documents and the stored buckets; undefined
   * for who sees a region from outside, where they cannot be counted.
   */
  readonly root: string;
  readonly rootOfChanges: string | undefined;
  readonly rootOfDocuments: string | undefined;
  readonly rootOfBuckets: string | undefined;
  /** Documents that do not come back from their bytes as they were, with the reason. */
  readonly unloadable: readonly string[];
  /** Entries that wait for a parent. */
  readonly pending: number;
  /** Entries that each peer has not confirmed. */
  readonly ahead: readonly number[];
}

/** What the region shows under this name. */
export function shownAs(state: FinalState, id: string): string | undefined {
  return state.documents.find((document) => document.id === id)?.json;
}
