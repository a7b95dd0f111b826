/** A profile whose id the server chooses. */
import { WRITE_HEADERS } from "./headers.ts";
import type { Operation } from "./operation.ts";
import { WRITE_PROBLEMS, written } from "./profile-answer.ts";
import { jsonObject } from "./values.ts";

export const createProfile = {
  id: "createProfile",
  method: "post",
  path: "/v1/profiles",
  summary: "Creates a profile under a new id (UUIDv7)",
  body: { "application/json": jsonObject },
  headers: WRITE_HEADERS.filter((name) => !name.startsWith("If-") && name !== "Base-Version"),
  responses: { 201: written("The profile; Location names it", ["Location"]) },
  problems: WRITE_PROBLEMS.filter((code) => code !== "precondition-failed"),
} satisfies Operation;
