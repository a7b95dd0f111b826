import { expect, test } from "vitest";
import { ManualClock, limits } from "@atoll/core";
import type { Measured } from "./reader-messages.ts";
import { RelayedMeter } from "./relayed-meter.ts";

const labels = { method: "GET", route: "/v1/profiles/:id" };

function meterAndTold() {
  const clock = new ManualClock();
  const told: (readonly Measured[])[] = [];
  return { clock, told, meter: new RelayedMeter(clock, (measured) => told.push(measured)) };
}

test("values are told together after a while, each once", () => {
  const { clock, told, meter } = meterAndTold();
  const time = meter.handle("http_request_duration_seconds", labels);
  time(0.1);
  time(0.2);
  expect(told).toEqual([]);
  clock.advance(limits.READER_REPORT_MS);
  expect(told).toEqual([[{ name: "http_request_duration_seconds", labels, values: [0.1, 0.2] }]]);
  clock.advance(limits.READER_REPORT_MS);
  time(0.3);
  meter.flush();
  expect(told.slice(1)).toEqual([
    [{ name: "http_request_duration_seconds", labels, values: [0.3] }],
  ]);
});

test("many values do not wait", () => {
  const { told, meter } = meterAndTold();
  const count = meter.handle("http_requests_total", { ...labels, code: "200" });
  for (let i = 0; i < limits.READER_REPORT_VALUES_MAX; i++) count(1);
  expect(told[0]?.[0]?.values).toHaveLength(limits.READER_REPORT_VALUES_MAX);
});
