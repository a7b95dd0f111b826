/** A profile whose id the server chooses. */
import type { Operation } from "./operation.ts";
import { jsonObject } from "./values.ts";

export const createProfile = {
  id: "createProfile",
  method: "post",
  path: "/v1/profiles",
  summary: "Creates a profile under a new id (UUIDv7)",
  body: { "application/json": jsonObject },
  responses: { 201: { description: "The profile; Location names it" } },
  problems: ["validation-failed", "idempotency-mismatch"],
} satisfies Operation;
