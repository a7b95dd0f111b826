/**
 * A dashboard as Grafana reads it: panels on its grid of 24 columns, the data source and the region as
 * variables, and nothing that Grafana adds by itself, so that a diff shows what was changed.
 */
import type { DashboardContent, Row } from "./dashboards.ts";
import type { PanelContent } from "./panel.ts";

const COLUMNS = 24;
const HEIGHT = { stat: 4, timeseries: 8, row: 1 } as const;
const DATASOURCE = { type: "prometheus", uid: "${datasource}" };

export function dashboardJson({ uid, title, description, rows }: DashboardContent): string {
  const dashboard = {
    uid,
    title,
    description,
    tags: ["atoll"],
    schemaVersion: 39,
    version: 1,
    editable: false,
    refresh: "10s",
    time: { from: "now-1h", to: "now" },
    templating: { list: [datasourceVariable(), regionVariable()] },
    annotations: { list: [alertAnnotation()] },
    panels: placed(rows),
  };
  return `${JSON.stringify(dashboard, undefined, 2)}\n`;
}

function placed(rows: readonly Row[]): object[] {
  const panels: object[] = [];
  let y = 0;
  const nextId = (): number => panels.length + 1;
  for (const { title, panels: contents } of rows) {
    panels.push({
      id: nextId(),
      type: "row",
      title,
      collapsed: false,
      gridPos: { x: 0, y, w: COLUMNS, h: HEIGHT.row },
      panels: [],
    });
    y += HEIGHT.row;
    const w = Math.floor(COLUMNS / contents.length);
    const h = Math.max(...contents.map(({ type }) => HEIGHT[type]));
    for (const [index, content] of contents.entries()) {
      panels.push({ id: nextId(), ...panelJson(content), gridPos: { x: index * w, y, w, h } });
    }
    y += h;
  }
  return panels;
}

function panelJson({ title, description, type, unit, targets, ...red }: PanelContent): object {
  return {
    type,
    title,
    ...(description !== "" && { description }),
    datasource: DATASOURCE,
    fieldConfig: {
      defaults: {
        unit,
        thresholds: { mode: "absolute", steps: steps(red) },
        ...(type === "timeseries" && "redFrom" in red
          ? { custom: { thresholdsStyle: { mode: "line" } } }
          : {}),
      },
      overrides: [],
    },
    targets: targets.map((target, index) => ({
      refId: String.fromCharCode("A".charCodeAt(0) + index),
      datasource: DATASOURCE,
      ...target,
    })),
  };
}

function steps({ redFrom, redBelow }: Pick<PanelContent, "redFrom" | "redBelow">): object[] {
  if (redBelow !== undefined) {
    return [
      { color: "red", value: null },
      { color: "green", value: redBelow },
    ];
  }
  const green = { color: "green", value: null };
  return redFrom === undefined ? [green] : [green, { color: "red", value: redFrom }];
}

function datasourceVariable(): object {
  return { name: "datasource", label: "Prometheus", type: "datasource", query: "prometheus" };
}

function regionVariable(): object {
  return {
    name: "region",
    label: "Region",
    type: "query",
    datasource: DATASOURCE,
    query: { query: "label_values(atoll_build_info, region)", refId: "region" },
    refresh: 2,
    multi: true,
    includeAll: true,
    allValue: ".+",
    current: { text: "All", value: "$__all" },
  };
}

function alertAnnotation(): object {
  return {
    name: "Alerts",
    enable: true,
    datasource: DATASOURCE,
    expr: 'ALERTS{alertstate="firing"}',
    titleFormat: "{{alertname}}",
    textFormat: "{{region}} {{peer}}",
    iconColor: "red",
  };
}
