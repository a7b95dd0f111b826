import { simulate } from "./simulation.ts";
import { drawSchedule } from "./schedule.ts";
const from = Number(process.argv[2] ?? 0), n = Number(process.argv[3] ?? 1);
let ev = 0, sim = 0; const t0 = performance.now();
const fails: string[] = [];
for (let i = from; i < from + n; i++) {
  const seed = "0x" + i.toString(16);
  const s = drawSchedule(seed);
  const t = performance.now(); const c = process.cpuUsage();
  const r = await simulate({ schedule: s, keepsTrace: !!process.argv[4] });
  ev += r.events; sim += r.simulatedMs;
  const ms = performance.now() - t;
  console.log(seed, r.violations.length ? "FAIL" : "ok", Math.round(ms), "ms", Math.round((process.cpuUsage(c).user+process.cpuUsage(c).system)/1000), "cpu", r.events, "ev", Math.round(r.simulatedMs / 1000), "s", r.calls, "calls", r.trace.slice(0, 8), s.options.regions, s.options.faults.join());
  if (process.argv[4]) console.log(s.options, r.lines!.slice(-Number(process.argv[4])).join("\n"));
  for (const v of r.violations.slice(0, 3)) console.log("   ", v.checker, v.atMs, v.message.slice(0, 1500));
  if (r.violations[0]) fails.push(`${seed} ${r.violations[0].checker}`);
}
const wall = performance.now() - t0;
console.log(ev, "events", Math.round(ev / wall * 1000), "ev/s", Math.round(sim / 1000), "sim s", Math.round(sim / wall), ": 1", Math.round(wall), "ms");
console.log(fails.join("\n"));
