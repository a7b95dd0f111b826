/** 1–3: a whole region dies at once, as in a power cut, and comes back. Each region in turn. */
import { REGIONS } from "../fleet/region-plan.ts";
import { linkDown } from "../judge/signal.ts";
import { LOAD_HIGH } from "../load/load.ts";
import type { Scenario } from "../scenario.ts";

export const regionOutages: readonly Scenario[] = REGIONS.map((name, place) => {
  const observer = REGIONS[(place + 1) % REGIONS.length] ?? name;
  return {
    name: `region-outage-${name}`,
    numbers: [place + 1],
    hypothesis: {
      steady: "three regions serve 200 writes a second and more, and lag by less than a second",
      fault: `every process of ${name} is killed (SIGKILL) under load and started again later`,
      expectation:
        "clients go on in the two others; nothing acknowledged is lost; the region catches up",
    },
    load: LOAD_HIGH,
    writesPerSecondMin: 200,
    seconds: { quick: 6, full: 300 },
    convergeMsMax: 10_000,
    signal: linkDown(observer, name),
    act: (stage) =>
      stage.outage(stage.region(name), async () => {
        await stage.wait(stage.seconds);
        const link = await stage.linkState(observer, name);
        stage.expect(`${observer} knows that ${name} is away`, link !== "live", `link ${link}`);
      }),
  };
});
