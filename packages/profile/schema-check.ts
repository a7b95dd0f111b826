/**
 * Whether a profile is what its JSON Schema allows, and what is wrong with it where it is not.
 *
 * Compiled once: a check costs microseconds. It looks at the whole profile, because a rule may tie
 * members together, and because what counts is the result of a write, not its words. Formats are
 * checked, which the standard leaves open: a schema that says `"format": "email"` means it.
 */
import type { ErrorObject, ValidateFunction } from "ajv/dist/2020.js";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { AtollError, errorText, limits } from "@atoll/core";
import type { FieldFault } from "@atoll/core";
import type { JsonObject, JsonValue } from "./json.ts";
import { childPointer } from "./pointer.ts";

export class SchemaCheck {
  readonly #validate: ValidateFunction;

  /** Throws config-invalid for a schema that does not compile. */
  constructor(source: JsonObject) {
    const ajv = new Ajv2020({
      allErrors: true,
      strict: false, // `x-crdt` and other annotations are not ours to forbid
      ownProperties: true, // a member may be called "constructor"
      logger: false,
    });
    addFormats.default(ajv);
    try {
      this.#validate = ajv.compile(source);
    } catch (error) {
      throw new AtollError(
        "config-invalid",
        `the profile schema does not compile: ${errorText(error)}`,
        { mend: "correct the schema file" },
        error,
      );
    }
  }

  /** In no particular order, at most `FAULTS_MAX`; empty for a profile that is as it should be. */
  faults(value: JsonValue): readonly FieldFault[] {
    if (this.#validate(value)) return NO_FAULTS;
    return (this.#validate.errors ?? []).slice(0, limits.FAULTS_MAX).map(faultOf);
  }
}

const NO_FAULTS: readonly FieldFault[] = [];

function faultOf({ instancePath, keyword, message, params }: ErrorObject): FieldFault {
  const { missingProperty, additionalProperty, unevaluatedProperty } = params as Readonly<
    Record<string, unknown>
  >;
  const member = missingProperty ?? additionalProperty ?? unevaluatedProperty;
  return {
    pointer: typeof member === "string" ? childPointer(instancePath, member) : instancePath,
    code: keyword,
    detail: message ?? "is not what the schema allows",
  };
}
