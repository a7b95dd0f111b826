/** I11, I12: in the end nothing waits for a parent, and nobody has anything that another lacks. */
import type { Evidence } from "./evidence.ts";
import type { Found } from "./violation.ts";

export function checkQuiescence({ finals }: Pick<Evidence, "finals">): Found[] {
  return finals.flatMap(({ region, pending, ahead, documents }) => {
    const faults: string[] = [];
    if (pending > 0) faults.push(`${pending} entries wait`);
    if (ahead.some((entries) => entries !== 0)) faults.push(`peers lack ${ahead.join(", ")}`);
    const refused = documents.filter(({ isQuarantined }) => isQuarantined).length;
    if (refused > 0) faults.push(`${refused} documents are set aside`);
    return faults.map((message) => ({ checker: "quiescence", message: `${region}: ${message}` }));
  });
}
