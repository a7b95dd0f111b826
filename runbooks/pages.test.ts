// One alert, one page, one drill: what holds for the pages without executing them. They are executed by
// `npm run runbooks`.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { unknownSeries } from "../deploy/prometheus/metric-names.ts";
import { readRules } from "../deploy/prometheus/rules.ts";
import { readAct } from "./acts.ts";
import { RUNBOOKS, readPages } from "./pages.ts";
import { readRecord } from "./record.ts";

/** One template: in an incident nobody should have to look for where the answer stands. */
const SECTIONS = [
  "Is data at risk?",
  "What users see",
  "Triage",
  "Decide",
  "Act",
  "Verify",
  "Prevent",
  "Escalate",
];

/** Pages about what is done on purpose. */
const OPERATIONS = ["backup-and-restore"];

const pages = readPages();
const { alerts, recorded } = readRules();
const textOf = (name: string): string => readFileSync(join(RUNBOOKS, `${name}.md`), "utf8");

describe("alerts and pages", () => {
  test("every alert leads to one page, and that page says so", () => {
    const wrong = alerts.filter(({ alert, annotations }) => {
      const named = pages.filter((page) => page.alerts.includes(alert));
      return named.length !== 1 || annotations.runbook_url !== `runbooks/${named[0]?.name}.md`;
    });
    expect([...new Set(wrong.map(({ alert }) => alert))]).toEqual([]);
  });

  test("every page is of an alert that there is, or of an operation", () => {
    const known = new Set(alerts.map(({ alert }) => alert));
    expect(pages.flatMap((page) => page.alerts).filter((alert) => !known.has(alert))).toEqual([]);
    const without = pages.filter((page) => page.alerts.length === 0).map(({ name }) => name);
    expect(without).toEqual(OPERATIONS);
  });

  test("every page tells of its alerts in its text, with how urgent they are", () => {
    const wrong = pages.filter((page) =>
      page.alerts.some((alert) => !textOf(page.name).includes(`\`${alert}\``)),
    );
    expect(wrong.map(({ name }) => name)).toEqual([]);
  });
});

describe("every page", () => {
  test.each(pages)("$name has the sections of the template, in its order", ({ sections }) => {
    expect(sections).toEqual(SECTIONS);
  });

  test.each(pages)(
    "$name has a drill whose acts there are, and blocks that show something",
    (page) => {
      const acts = page.steps.flatMap((step) => (step.kind === "act" ? [step.act] : []));
      for (const act of [...page.drill.fault, ...acts]) readAct(act);
      const blocks = page.steps.filter((step) => step.kind === "shell");
      expect(blocks.length).toBeGreaterThanOrEqual(3);
      expect(blocks.filter(({ expected }) => expected.length > 0).length).toBeGreaterThanOrEqual(2);
    },
  );

  test.each(pages)(
    "$name says first whether data is at risk, and never to delete a side",
    ({ name }) => {
      const text = textOf(name);
      const answer = text.slice(text.indexOf("## Is data at risk?")).split("\n")[2] ?? "";
      expect(answer).toMatch(/^\*\*/);
    },
  );

  test.each(pages)(
    "$name names only metrics that there are, and files that there are",
    ({ name }) => {
      const text = textOf(name);
      const series = new Set(recorded.map(({ record }) => record));
      const patterns = [...text.matchAll(/\^atoll_\w+\$?/g)].map(([found]) => found.slice(1));
      const exact = [...text.matchAll(/(?<![\^\w])atoll_[a-z_]+(?:\{[^}]*\})?/g)].map(
        ([found]) => found,
      );
      expect(exact.flatMap((expr) => unknownSeries(expr, series))).toEqual([]);
      expect(patterns.filter((found) => found === "atoll_")).toEqual([]);
      const links = [...text.matchAll(/\]\(([^)#]+)\)/g)].map(([, path = ""]) => path);
      expect(links.filter((path) => !existsSync(join(RUNBOOKS, path)))).toEqual([]);
      const named = [...text.matchAll(/\b([a-z]+(?:-[a-z]+)+)\.md\b/g)].map(
        ([, file = ""]) => file,
      );
      expect(named.filter((file) => !existsSync(join(RUNBOOKS, `${file}.md`)))).toEqual([]);
    },
  );
});

test("the recorded drills are of these pages, and none failed", () => {
  const drills = readRecord();
  const names = pages.map(({ name }) => name);
  expect(Object.keys(drills).filter((name) => !names.includes(name))).toEqual([]);
  expect(Object.values(drills).filter(({ verdict }) => verdict === "failed")).toEqual([]);
  expect(drills["split-brain"]).toMatchObject({ verdict: "passed" });
  expect(drills["split-brain"]?.detectedSeconds).toBeLessThanOrEqual(15);
  expect(drills["split-brain"]?.seconds).toBeLessThanOrEqual(300);
});
