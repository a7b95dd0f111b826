/** The schema that a cluster has unless its configuration names another. */
import { readFileSync } from "node:fs";
import { parseJson } from "./json.ts";
import type { ProfileSchema } from "./schema.ts";
import { parseProfileSchema } from "./schema.ts";

const SOURCE = new URL("./social-profile.schema.json", import.meta.url);

export const socialProfileSchema: ProfileSchema = parseProfileSchema(
  parseJson(readFileSync(SOURCE)),
);
