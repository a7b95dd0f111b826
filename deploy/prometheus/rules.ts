/** The alerts and recorded series of `rules.yaml`, for those who hold something against them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

export interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly runbook_url: string };
}

export interface Recorded {
  readonly record: string;
  readonly expr: string;
}

export const RULES_FILE = join(import.meta.dirname, "rules.yaml");

export function readRules(): { readonly alerts: Alert[]; readonly recorded: Recorded[] } {
  const { groups } = parse(readFileSync(RULES_FILE, "utf8")) as {
    groups: { rules: (Alert | Recorded)[] }[];
  };
  const rules = groups.flatMap((group) => group.rules);
  return {
    alerts: rules.filter((rule) => "alert" in rule),
    recorded: rules.filter((rule) => "record" in rule),
  };
}
