import { PLANTED } from "./planted.ts";
import { hunt } from "./hunt.ts";
const only = process.argv.slice(3);
for (const bug of PLANTED) {
  if (only.length && !only.includes(bug.name)) continue;
  const t = performance.now();
  const h = await hunt(bug, { first: 1, seedsMax: Number(process.argv[2] ?? 30) });
  console.log(h.name, h.seeds ?? "NOT", h.seed, h.checker, Math.round((performance.now() - t) / 1000), "s");
}
