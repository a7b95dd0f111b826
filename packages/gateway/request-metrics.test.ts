import { expect, test } from "vitest";
import { ManualClock } from "@atoll/core";
import type { Meter } from "@atoll/core";
import { NO_ROUTE, RequestMetrics } from "./request-metrics.ts";

test("each answer counts for its own method, route and status, whatever came before it", () => {
  const told: string[] = [];
  const meter: Meter = {
    handle: (name, labels) => (value) => {
      told.push(`${name} ${Object.values(labels ?? {}).join(" ")} = ${value}`);
    },
  };
  const metrics = new RequestMetrics(new ManualClock(), meter);
  const answered: [method: string, route: string, status: number][] = [
    ["GET", "/a", 200],
    ["GET", "/a", 200],
    ["GET", "/a", 404],
    ["PUT", "/a", 404],
    ["PUT", "/b", 404],
    ["GET", "/a", 200],
    ["BREW", NO_ROUTE, 405],
  ];
  for (const [method, route, status] of answered) metrics.answered(method, route, status, 250);
  expect(told).toEqual(
    answered.flatMap(([method, route, status]) => {
      const known = method === "BREW" ? "any" : method;
      return [
        `http_requests_total ${known} ${route} ${status} = 1`,
        `http_request_duration_seconds ${known} ${route} = 0.25`,
      ];
    }),
  );
});
