/**
 * Writes `deploy/grafana/dashboards/`: `npm run dashboards`, after a change of the metrics or of what stands on
 * a dashboard. What is there and not made any more is removed.
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { dashboardJson } from "./dashboard-json.ts";
import { DASHBOARDS } from "./dashboards.ts";

const directory = join(import.meta.dirname, "dashboards");

mkdirSync(directory, { recursive: true });
for (const name of readdirSync(directory)) rmSync(join(directory, name));
for (const dashboard of DASHBOARDS) {
  writeFileSync(join(directory, `${dashboard.uid}.json`), dashboardJson(dashboard));
}
