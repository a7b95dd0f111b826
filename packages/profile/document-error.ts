/** What a document throws that cannot be trusted any more, whatever it was that failed. */
import { InvariantError, errorText } from "@atoll/core";

/** The document cannot be trusted any more, or never could: free it, open it from its bytes. */
export class DocumentError extends Error {
  override readonly name = "DocumentError";
}

/** Runs what asks Automerge; what it throws is said as what the document could not do. */
export function guard<T>(what: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof DocumentError || error instanceof InvariantError) throw error;
    throw new DocumentError(`the document ${what}: ${errorText(error)}`, { cause: error });
  }
}
