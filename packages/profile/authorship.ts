/**
 * Who asked for a change and in which trace, as it travels with the change: its Automerge message.
 *
 *     {"principal":"key:ci-writer","traceparent":"00-4bf9…-00f0…-01"}
 *
 * A message is covered by the change's hash, so no region on the way can alter it; what it says is the
 * word of the region that wrote it. A change that came from elsewhere may bear any text at all: what is
 * not of this form, or longer than we write, says nothing, and is never a reason to refuse the change.
 * Messages of containers are lists and the genesis' is prose (`containers.ts`, `genesis.ts`): neither
 * can be taken for one of these.
 */
import { limits, parseTraceparent } from "@atoll/core";

export interface Authorship {
  /** The name of the credential's subject or key; undefined on a listener that is open. */
  readonly principal?: string | undefined;
  /** W3C trace context of the write, where it is traced. */
  readonly traceparent?: string | undefined;
}

/** Control characters, and those that make a text look like another: they are for nobody's screen. */
const UNSHOWABLE = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\u2028\u2029]/u;
const CUT = "…";

/** Undefined when there is nothing to be said: such a change has no message. */
export function authorshipMessage({ principal, traceparent }: Authorship): string | undefined {
  if (principal === undefined && traceparent === undefined) return undefined;
  return JSON.stringify({ principal: principal && shortened(principal), traceparent });
}

/** False for what is certainly none: what makes containers, and the genesis. */
export function isAuthorshipLike(message: string): boolean {
  return message.startsWith("{");
}

/** Undefined for a message of another form. Never throws. */
export function parseAuthorship(message: string | undefined): Authorship | undefined {
  if (message === undefined || !isAuthorshipLike(message)) return undefined;
  if (message.length > limits.AUTHORSHIP_CHARS_MAX) return undefined;
  let said: unknown;
  try {
    said = JSON.parse(message);
  } catch {
    return undefined;
  }
  const { principal, traceparent } = said as Readonly<Record<string, unknown>>;
  return {
    principal: isPrincipal(principal) ? principal : undefined,
    traceparent: isTraceparent(traceparent) ? traceparent : undefined,
  };
}

function isPrincipal(value: unknown): value is string {
  if (typeof value !== "string" || value === "" || UNSHOWABLE.test(value)) return false;
  return value.length <= limits.PRINCIPAL_CHARS_MAX;
}

function isTraceparent(value: unknown): value is string {
  return parseTraceparent(value) !== undefined;
}

function shortened(principal: string): string {
  const chars = [...principal.replaceAll(new RegExp(UNSHOWABLE, "gu"), "?")];
  const text = chars.join("");
  if (text.length <= limits.PRINCIPAL_CHARS_MAX) return text;
  let kept = "";
  for (const char of chars) {
    if (kept.length + char.length + CUT.length > limits.PRINCIPAL_CHARS_MAX) break;
    kept += char;
  }
  return kept + CUT;
}
