/**
 * I2, strong eventual consistency: regions that hold the same changes have the same heads, show the same
 * bytes and have the same root. In the end all hold the same.
 */
import type { Evidence } from "./evidence.ts";
import type { FinalDocument, FinalState } from "./final-state.ts";
import type { Found } from "./violation.ts";

export function checkConvergence({ finals, gone }: Pick<Evidence, "finals" | "gone">): Found[] {
  const found: Found[] = [];
  const [first, ...others] = finals;
  if (first === undefined) return found;
  for (const other of others) {
    const missing = differences(first, other).filter((hash) => !gone.has(hash));
    if (missing.length > 0) {
      found.push(fault(`${first.region} and ${other.region} differ in ${missing.length} changes`));
    }
    if (first.root !== other.root) {
      found.push(fault(`${first.region} and ${other.region} have different roots`));
    }
    found.push(...compareDocuments(first, other));
  }
  return found;
}

function compareDocuments(a: FinalState, b: FinalState): Found[] {
  const byId = new Map(b.documents.map((document) => [document.docId, document]));
  const found: Found[] = [];
  for (const document of a.documents) {
    const other = byId.get(document.docId);
    byId.delete(document.docId);
    const what = other === undefined ? "is missing" : differenceOf(document, other);
    if (what === undefined) continue;
    found.push(fault(`${document.id ?? document.docId} in ${b.region}: ${what} (${a.region})`));
  }
  for (const { id, docId } of byId.values()) {
    found.push(fault(`${id ?? docId} is in ${b.region} and not in ${a.region}`));
  }
  return found;
}

function differenceOf(a: FinalDocument, b: FinalDocument): string | undefined {
  if (a.heads !== b.heads) return "other heads";
  if (a.json !== b.json) return `shows ${String(b.json)} and not ${String(a.json)}`;
  if (a.hidden !== b.hidden) return "hides something else";
  return undefined;
}

function differences(a: FinalState, b: FinalState): string[] {
  return [
    ...[...a.changes].filter((hash) => !b.changes.has(hash)),
    ...[...b.changes].filter((hash) => !a.changes.has(hash)),
  ];
}

function fault(message: string): Found {
  return { checker: "convergence", message };
}
