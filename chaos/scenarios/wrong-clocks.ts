/** 25: clocks that are a day apart, run too fast, and are set back while everything runs. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "@atoll/core";
import type { RegionPlan } from "../fleet/region-plan.ts";
import { AP, EU, US, restUrl } from "../fleet/region-plan.ts";
import type { Launch } from "../fleet/region-process.ts";
import { FAKETIME_LIBRARY } from "../host/faketime.ts";
import type { Scenario } from "../scenario.ts";

const AT_FIRST: Readonly<Record<string, string>> = { [US]: "+24h", [EU]: "-10m x1.1" };

export const wrongClocks: Scenario = {
  name: "wrong-clocks",
  numbers: [25],
  hypothesis: {
    steady: `three regions serve; ${US} is a day ahead, ${EU} ten minutes behind and 10 % too fast`,
    fault: `the clock of ${US} is set back by a day, then an hour ahead; that of ${AP} jumps`,
    expectation: "time orders nothing: no session is stuck or sees less, nothing is lost",
  },
  needs: ["faketime"],
  launch: withClock,
  seconds: { quick: 6, full: 120 },
  convergeMsMax: 15_000,
  async act(stage) {
    const aheadHours = (await clockOf(stage.region(US).plan)) / 3_600_000;
    stage.expect(
      `the clock of ${US} is wrong`,
      aheadHours > 20,
      `${aheadHours.toFixed(1)} h ahead`,
    );
    await stage.during("clocks are set", [], async () => {
      for (const [name, offset] of [
        [US, "+0"],
        [AP, "+1h"],
        [US, "+1h"],
      ] as const) {
        setClock(stage.region(name).plan, offset);
        await stage.wait(stage.seconds / 3);
      }
    });
  },
};

/** The library looks at the file once a second; time that only runs on is left as it is. */
function withClock(plan: RegionPlan): Launch {
  setClock(plan, AT_FIRST[plan.name] ?? "+0");
  return {
    environment: {
      LD_PRELOAD: FAKETIME_LIBRARY,
      FAKETIME_TIMESTAMP_FILE: clockFile(plan),
      FAKETIME_CACHE_DURATION: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      NO_FAKE_STAT: "1",
    },
  };
}

/** How far it is ahead of ours, as its answers say. */
async function clockOf(plan: RegionPlan): Promise<number> {
  const answer = await fetch(`${restUrl(plan)}/livez`);
  await answer.arrayBuffer();
  return Date.parse(answer.headers.get("date") ?? "") - systemClock.nowMs();
}

function setClock(plan: RegionPlan, offset: string): void {
  writeFileSync(clockFile(plan), `${offset}\n`);
}

function clockFile({ directory }: RegionPlan): string {
  return join(directory, "clock");
}
