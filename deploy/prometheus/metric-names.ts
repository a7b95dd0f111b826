/**
 * Which series a PromQL expression reads, and which there are: a rule or a panel that names a metric nobody
 * measures is silent for ever, and silence looks like health.
 *
 * Not a parser: a name is what begins with `atoll_`, `atoll:` or a prefix of the runtime's own metrics.
 */
import type { MetricDefinition } from "@atoll/core";
import { METRICS } from "@atoll/core";

/** Of others: Prometheus's own, and the process's as the client library tells them. */
const FOREIGN = ["process_resident_memory_bytes"];

/** Labels that do not come from a region: the scrape adds them, or histograms have them. */
const LABELS_ALWAYS = ["region", "job", "instance", "le"];

const NAME = /\b((?:atoll[_:]|process_|nodejs_)[a-z0-9_:]+)(?:\{([^}]*)\})?/g;
const MATCHER = /([a-z_]+)\s*(?:=~|!~|!=|=)/g;

/** One line for each name or label in an expression that does not exist. */
export function unknownSeries(expr: string, recorded: ReadonlySet<string>): string[] {
  return [...expr.matchAll(NAME)].flatMap(([, name = "", matchers = ""]) => {
    if (FOREIGN.includes(name) || recorded.has(name)) return [];
    const definition = definitionOf(name);
    if (definition === undefined) return [`${name} is not measured`];
    const known = [...LABELS_ALWAYS, ...definition.labels];
    return [...matchers.matchAll(MATCHER)]
      .map(([, label = ""]) => label)
      .filter((label) => !known.includes(label))
      .map((label) => `${name} has no label ${label}`);
  });
}

/** The metrics of the table that an expression reads. */
export function metricsRead(expr: string): string[] {
  return [...expr.matchAll(NAME)].map(([, name = ""]) => baseName(name));
}

function definitionOf(series: string): MetricDefinition | undefined {
  const definitions: Readonly<Record<string, MetricDefinition>> = METRICS;
  const name = baseName(series);
  const definition = definitions[name];
  const isPart = series !== `atoll_${name}`;
  return definition !== undefined && isPart === (definition.kind === "histogram")
    ? definition
    : undefined;
}

function baseName(series: string): string {
  const name = series.replace(/^atoll_/, "");
  return name in METRICS ? name : name.replace(/_(bucket|count|sum)$/, "");
}
