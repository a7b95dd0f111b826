import { expect, test } from "vitest";
import { PrometheusMeter } from "./prometheus.ts";

test("a gauge that is not told again is gone from the next scrape", async () => {
  const meter = new PrometheusMeter();
  let skew: number | undefined = 2;
  meter.collect((told) => {
    if (skew !== undefined) told("clock_skew_seconds", skew, { peer: "eu-west-1" });
    told("profiles", 7);
  });
  expect(await meter.text()).toContain('atoll_clock_skew_seconds{peer="eu-west-1"} 2');
  skew = undefined;
  const text = await meter.text();
  expect(text).not.toContain("atoll_clock_skew_seconds{");
  expect(text).toContain("atoll_profiles 7");
});

test("a gauge that somebody set by its handle stays", async () => {
  const meter = new PrometheusMeter();
  meter.handle("peer_connected", { peer: "eu-west-1" })(1);
  meter.collect((told) => told("profiles", 7));
  await meter.text();
  expect(await meter.text()).toContain('atoll_peer_connected{peer="eu-west-1"} 1');
});

test("a counter that is told grows by what it has grown", async () => {
  const meter = new PrometheusMeter();
  let repairs = 3;
  meter.collect((told) => told("antientropy_repairs_total", repairs));
  await meter.text();
  repairs = 5;
  expect(await meter.text()).toContain("atoll_antientropy_repairs_total 5");
});
