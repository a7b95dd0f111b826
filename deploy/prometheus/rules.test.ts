import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { unknownSeries } from "./metric-names.ts";
import { RULES_FILE, readRules } from "./rules.ts";

const CASES = ["rules.minutes.test.yaml", "rules.days.test.yaml"].map((name) =>
  join(import.meta.dirname, name),
);
const hasPromtool = spawnSync("promtool", ["--version"]).error === undefined;
const { alerts, recorded } = readRules();
const recordedNames = new Set(recorded.map(({ record }) => record));

describe("the rules", () => {
  test("read only what is measured", () => {
    const wrong = [...alerts, ...recorded].flatMap(({ expr }) =>
      unknownSeries(expr, recordedNames),
    );
    expect(wrong).toEqual([]);
  });

  test("say how urgent each alert is, what it means and where to read on", () => {
    const wrong = alerts.filter(
      ({ labels, annotations }) =>
        !["critical", "warning"].includes(labels.severity) ||
        annotations.summary === "" ||
        !/^runbooks\/[a-z-]+\.md$/.test(annotations.runbook_url),
    );
    expect(wrong.map(({ alert }) => alert)).toEqual([]);
  });

  test("have for each alert a case that fires and one that does not", () => {
    const asked = CASES.flatMap(readCases);
    const wrong = alerts.flatMap(({ alert }) => {
      const counts = asked
        .filter(({ expr }) => expr === `ALERTS{alertname="${alert}", alertstate="firing"}`)
        .map(({ exp_samples: expected }) => expected.length);
      return counts.includes(0) && counts.some((count) => count > 0) ? [] : [alert];
    });
    expect(wrong).toEqual([]);
  });
});

// Debian: apt-get install prometheus.
describe.skipIf(!hasPromtool)("promtool (skipped where it is not installed)", () => {
  test("accepts the rules", () => {
    expect(promtool("check", "rules", RULES_FILE)).toContain("SUCCESS");
  });

  test("finds that every alert fires when it should, and else not", () => {
    const said = promtool("test", "rules", ...CASES);
    expect(said).toContain("SUCCESS");
    expect(said).not.toContain("FAILED");
  });
});

interface Asked {
  readonly expr: string;
  readonly exp_samples: readonly unknown[];
}

function readCases(file: string): Asked[] {
  const { tests } = parse(readFileSync(file, "utf8")) as {
    tests: { promql_expr_test: Asked[] }[];
  };
  return tests.flatMap(({ promql_expr_test: asked }) => asked);
}

/** What it says; throws when it could not be run. */
function promtool(...args: string[]): string {
  const { error, stdout, stderr } = spawnSync("promtool", args, { encoding: "utf8" });
  if (error !== undefined) throw error;
  return `${stdout}${stderr}`;
}

test("a metric that is not measured, a part of one that has none, and a label of another are told", () => {
  const told = (expr: string): string[] => unknownSeries(expr, new Set(["atoll:recorded"]));
  expect(
    told('rate(atoll_http_requests_total{code=~"5..", region="a"}[5m]) > atoll:recorded'),
  ).toEqual([]);
  expect(told("rate(atoll_store_transaction_entries_bucket[5m])")).toEqual([]);
  expect(told("atoll_profilez")).toEqual(["atoll_profilez is not measured"]);
  expect(told("atoll_profiles_count")).toEqual(["atoll_profiles_count is not measured"]);
  expect(told("atoll_store_transaction_entries")).toHaveLength(1);
  expect(told("atoll:other")).toHaveLength(1);
  expect(told('atoll_profiles{peer="a"}')).toEqual(["atoll_profiles has no label peer"]);
});
