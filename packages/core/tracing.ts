/**
 * Where the time of a request went, and of a write: also in the regions that it reached later.
 *
 *     us-east-1   PATCH /v1/profiles/:id ──┬── write
 *                                          └── commit
 *     eu-west-1                                 └── visible       its parent came with the change
 *
 * A door to the world like `Meter`: whoever does something worth timing begins a span and ends it, and
 * what becomes of them is the server's business. Where tracing is off there is no `Tracing` at all, so
 * that nobody pays for a span that goes nowhere.
 */
export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

export interface Span {
  /** W3C trace context, for what happens because of this elsewhere. */
  readonly traceparent: string;
  /** A part of it. */
  child(name: string, attributes?: SpanAttributes): Span;
  /** Once. */
  end(ending?: { readonly attributes?: SpanAttributes; readonly failed?: boolean }): void;
}

export interface SpanOptions {
  /** `consumer`: of something that another region sent. */
  readonly kind: "server" | "consumer";
  /** W3C trace context of what caused it, from wherever; what is none is ignored. */
  readonly parent?: string | undefined;
  /** When it began, if not now. */
  readonly startMs?: number;
  readonly attributes?: SpanAttributes;
}

export interface Tracing {
  /** Undefined where this trace is not recorded. */
  begin(name: string, options: SpanOptions): Span | undefined;
}

/** Does the work within a span, if there is one, and says when it failed. */
export function traced<T>(span: Span | undefined, work: () => T): T {
  if (span === undefined) return work();
  let result: T;
  try {
    result = work();
  } catch (error) {
    span.end({ failed: true });
    throw error;
  }
  if (result instanceof Promise) {
    result.then(
      () => span.end(),
      () => span.end({ failed: true }),
    );
  } else span.end();
  return result;
}

/** W3C Trace Context, version 00: version, trace, parent, flags. */
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const NO_TRACE = "0".repeat(32);
const NO_SPAN = "0".repeat(16);

export interface TraceContext {
  readonly traceId: string;
  readonly spanId: string;
  readonly flags: number;
}

/** Undefined for what is no trace context. */
export function parseTraceparent(text: unknown): TraceContext | undefined {
  if (typeof text !== "string") return undefined;
  const [, version, traceId, spanId, flags = ""] = TRACEPARENT.exec(text) ?? [];
  if (traceId === undefined || spanId === undefined || version === "ff") return undefined;
  if (traceId === NO_TRACE || spanId === NO_SPAN) return undefined;
  return { traceId, spanId, flags: parseInt(flags, 16) };
}

export function traceparentOf({ traceId, spanId, flags }: TraceContext): string {
  return `00-${traceId}-${spanId}-${flags.toString(16).padStart(2, "0")}`;
}
