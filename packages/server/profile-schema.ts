/** The schema that a region merges by: the built-in one, or the operator's file. */
import { readFileSync } from "node:fs";
import { AtollError, errorText, isAtollError } from "@atoll/core";
import type { ProfileSchema } from "@atoll/profile";
import { parseJson, parseProfileSchema, socialProfileSchema } from "@atoll/profile";

/** Throws `config-invalid` naming the file and all its faults. */
export function loadProfileSchema(file: string | undefined): ProfileSchema {
  if (file === undefined) return socialProfileSchema;
  try {
    return parseProfileSchema(parseJson(readFileSync(file)));
  } catch (error) {
    const faults = isAtollError(error) ? error.data.faults : undefined;
    throw new AtollError(
      "config-invalid",
      `The profile schema ${file} cannot be used${faults === undefined ? `: ${errorText(error)}` : ""}`,
      { ...(faults !== undefined && { faults }), mend: "Correct that file, or leave schema out." },
      error,
    );
  }
}
