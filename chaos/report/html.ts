/**
 * One run on one page, for a person: hypothesis, verdict, timeline, and how to see it again.
 *
 * The page holds all it needs and asks nobody for anything: it is read where there is no network, and a year
 * later.
 */
import { REGIONS } from "../fleet/region-plan.ts";
import { CRITERIA } from "../judge/verdict.ts";
import type { RunDetails } from "../run/run-scenario.ts";
import type { Scenario } from "../scenario.ts";
import { escapeHtml } from "./escape-html.ts";
import { timelineSvg } from "./timeline.ts";

const STYLE = `
  body { font: 15px/1.45 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #1c2024; }
  h1 { font-size: 1.5rem; } h1 b { padding: .1rem .5rem; border-radius: .3rem; color: #fff; background: #2c9a5b; }
  h1 b.FAILED { background: #c62f2f; } h1 b.SKIPPED { background: #777; }
  dl { display: grid; grid-template-columns: 9rem 1fr; gap: .3rem 1rem; } dt { color: #667; } dd { margin: 0; }
  table { border-collapse: collapse; width: 100%; } td { border-top: 1px solid #dde; padding: .35rem .5rem; vertical-align: top; }
  td:first-child { white-space: nowrap; font-weight: 600; color: #2c9a5b; } tr.no td:first-child { color: #c62f2f; }
  svg { width: 100%; margin: 1rem 0; } svg text { font: 11px system-ui, sans-serif; fill: #1c2024; }
  svg .tick { fill: #889; } svg .fault { fill: #b3261e; }
  svg .shade { fill: #c62f2f; opacity: .08; } svg .axis { stroke: #ccd; } pre { background: #f5f6f8; padding: .8rem; overflow: auto; }
`;

export function reportHtml(details: RunDetails, scenario: Scenario): string {
  const { record, calls, samples, faults } = details;
  const { verdict, seed, backend, criteria, expectations, reason, wallMs } = record;
  const { steady, fault, expectation } = scenario.hypothesis;
  const facts: readonly (readonly [string, string])[] = [
    ["Steady state", steady],
    ["Fault", fault],
    ["Expectation", expectation],
    ["Number", record.numbers.join(", ")],
    ["Load", `${record.acknowledged} writes acknowledged, ${record.writesPerSecond}/s`],
    ["Bound T", `${record.convergeMsMax} ms`],
    ["Seed, backend", `${seed}, ${backend}`],
    ["Host", record.host],
  ];
  const rows = [
    ...criteria.map(({ id, ok, detail }) => rowOf(ok, id, CRITERIA[id], detail)),
    ...expectations.map(({ what, ok, detail }) => rowOf(ok, "", what, detail)),
  ];
  const timeline = timelineSvg({ regions: REGIONS, calls, samples, faults, endMs: wallMs });
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(scenario.name)}: ${verdict}</title>
<style>${STYLE}</style></head><body>
<h1>${escapeHtml(scenario.name)} <b class="${verdict}">${verdict}</b></h1>
<dl>${facts.map(([name, text]) => `<dt>${name}</dt><dd>${escapeHtml(text)}</dd>`).join("")}</dl>
${timeline}
<table>${rows.join("")}</table>
${reason === undefined ? "" : `<pre>${escapeHtml(reason)}</pre>`}
<p>Again:</p><pre>npm run chaos -- run ${escapeHtml(scenario.name)} --seed ${escapeHtml(seed)} --backend ${backend}</pre>
<p>Beside this page: <code>history.jsonl</code>, <code>rw-register.edn</code> and <code>set-full-….edn</code>
for elle-cli, <code>verdict.json</code>, and the logs of the regions under <code>fleet/</code>.</p>
</body></html>
`;
}

function rowOf(ok: boolean, id: string, what: string, detail: string): string {
  const cells = [`${ok ? "holds" : "FAILS"} ${id}`, what, detail].map(
    (text) => `<td>${escapeHtml(text)}</td>`,
  );
  return `<tr class="${ok ? "yes" : "no"}">${cells.join("")}</tr>`;
}
