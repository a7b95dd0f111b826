/** What regions with different schemas, or concurrent writes, leave in fault: counted, never refused. */
import { expect, test } from "vitest";
import type { ProfileId } from "@atoll/core";
import { ProfileCodec, parseProfileSchema } from "@atoll/profile";
import { Fleet } from "./fleet.fixture.ts";
import { SchemaJudge } from "./schema-judge.ts";

const judge = new SchemaJudge(
  new ProfileCodec(
    parseProfileSchema({ type: "object", properties: { a: { type: "string" }, b: {} } }),
  ),
);

test("a write is refused for the faults it makes, not for those it finds", () => {
  const refusal = expect.objectContaining({ code: "validation-failed" }) as Error;
  expect(() => judge.refuseNewFaults('{"a":1}', undefined)).toThrow(refusal);
  expect(() => judge.refuseNewFaults('{"a":1}', '{"a":"x"}')).toThrow(refusal);
  expect(() => judge.refuseNewFaults('{"a":1,"b":2}', '{"a":1}')).not.toThrow();
  expect(() => judge.refuseNewFaults('{"a":"x"}', '{"a":1}')).not.toThrow();
});

test("a change from elsewhere that leaves a fault is taken, counted and told", async () => {
  const fleet = new Fleet("schema");
  const [us, eu] = fleet.names as [string, string];
  const id = "ann" as ProfileId;
  fleet.driver(us).service.schema.refuseNewFaults = () => undefined; // an older release
  await fleet.write(us, id, { kind: "put", value: { handle: "not allowed" } });
  await fleet.until("it is everywhere", () => fleet.converged());
  expect(await fleet.json(eu, id)).toBe('{"handle":"not allowed"}');
  const { service } = fleet.driver(eu);
  expect(service.schema.faults('{"handle":"not allowed"}')).toMatchObject([{ pointer: "/handle" }]);
  expect(fleet.driver(eu).status().counts.schemaFaulty).toBe(1);
  expect(fleet.driver(us).status().counts.schemaFaulty).toBe(0);
  // It may be changed elsewhere, and mended.
  await fleet.write(eu, id, { kind: "merge-patch", patch: { role: "poet" } });
  await fleet.write(eu, id, { kind: "merge-patch", patch: { handle: "allowed" } });
  await fleet.until("it is everywhere", () => fleet.converged());
  expect(await fleet.json(us, id)).toBe('{"handle":"allowed","role":"poet"}');
  await fleet.close();
});
