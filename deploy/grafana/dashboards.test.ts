import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { METRICS } from "@atoll/core";
import { metricsRead, unknownSeries } from "../prometheus/metric-names.ts";
import { readRules } from "../prometheus/rules.ts";
import { dashboardJson } from "./dashboard-json.ts";
import { DASHBOARDS } from "./dashboards.ts";

const directory = join(import.meta.dirname, "dashboards");
const expressions = DASHBOARDS.flatMap(({ rows }) => rows)
  .flatMap(({ panels }) => panels)
  .flatMap(({ targets }) => targets)
  .map(({ expr }) => expr);

test("the files are what `npm run dashboards` would write", () => {
  expect(readdirSync(directory).sort()).toEqual(DASHBOARDS.map(({ uid }) => `${uid}.json`).sort());
  for (const dashboard of DASHBOARDS) {
    const text = readFileSync(join(directory, `${dashboard.uid}.json`), "utf8");
    expect(text === dashboardJson(dashboard), `${dashboard.uid} is current`).toBe(true);
  }
});

test("dashboards show only what is measured or recorded", () => {
  const recorded = new Set(readRules().recorded.map(({ record }) => record));
  expect(expressions.flatMap((expr) => unknownSeries(expr, recorded))).toEqual([]);
});

test("every metric is shown on some dashboard", () => {
  const shown = new Set(expressions.flatMap(metricsRead));
  expect(Object.keys(METRICS).filter((name) => !shown.has(name))).toEqual([]);
});

test("no two panels of a dashboard lie on each other", () => {
  for (const { uid } of DASHBOARDS) {
    const { panels } = JSON.parse(readFileSync(join(directory, `${uid}.json`), "utf8")) as {
      panels: { id: number; gridPos: { x: number; y: number; w: number; h: number } }[];
    };
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`),
    );
    expect(new Set(cells).size, uid).toBe(cells.length);
  }
});
