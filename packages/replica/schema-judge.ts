/**
 * What the schema says of profiles here.
 *
 * A write is refused for what it makes wrong, not for what was wrong before it: a profile that concurrent
 * writes or a newer schema left in fault could otherwise not even be mended one member at a time. A
 * change from elsewhere is never refused: it exists already, and a region that left it out would
 * diverge. It is counted, and the envelope names the faults.
 */
import type { FieldFault } from "@atoll/core";
import { AtollError } from "@atoll/core";
import type { JsonObject, JsonValue, ProfileCodec } from "@atoll/profile";

export class SchemaJudge {
  readonly source: JsonObject;
  readonly #codec: ProfileCodec;
  #faultyViews = 0;

  constructor(codec: ProfileCodec) {
    this.#codec = codec;
    this.source = codec.schema.source;
  }

  /** Times since the start that changes from elsewhere left a profile in fault. */
  get faultyViews(): number {
    return this.#faultyViews;
  }

  /** Of a profile's JSON. */
  faults(json: string): readonly FieldFault[] {
    return this.#codec.check.faults(JSON.parse(json) as JsonValue);
  }

  /** Counts a view that nobody here has written. */
  note(json: string): void {
    if (this.faults(json).length > 0) this.#faultyViews++;
  }

  /** Throws validation-failed for faults that were not there before. */
  refuseNewFaults(after: string, before: string | undefined): void {
    const faults = this.faults(after);
    if (faults.length === 0) return;
    const known = new Set(before === undefined ? [] : this.faults(before).map(nameOf));
    const fresh = faults.filter((fault) => !known.has(nameOf(fault)));
    const [first] = fresh;
    if (first === undefined) return;
    const more = fresh.length > 1 ? ` (and ${fresh.length - 1} more)` : "";
    const detail = `${first.pointer || "the profile"} ${first.detail}${more}`;
    throw new AtollError("validation-failed", detail, { faults: fresh });
  }
}

function nameOf({ pointer, code, detail }: FieldFault): string {
  return `${pointer} ${code} ${detail}`;
}
