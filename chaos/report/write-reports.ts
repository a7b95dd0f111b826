/** Writes everything that a reader of a run may want, beside the history that it is derived from. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RunDetails } from "../run/run-scenario.ts";
import type { Scenario } from "../scenario.ts";
import { markedProfiles, rwRegisterEdn, setFullEdn } from "./edn.ts";
import { reportHtml } from "./html.ts";

export function writeReports(details: RunDetails, scenario: Scenario): void {
  const { record, calls } = details;
  const write = (name: string, text: string): void =>
    writeFileSync(join(record.directory, name), text);
  write("verdict.json", `${JSON.stringify(record, undefined, 2)}\n`);
  write("rw-register.edn", rwRegisterEdn(calls));
  const [first] = markedProfiles(calls);
  if (first !== undefined) write(`set-full-${first}.edn`, setFullEdn(calls, first));
  write("report.html", reportHtml(details, scenario));
}
