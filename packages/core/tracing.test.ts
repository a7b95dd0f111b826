import { describe, expect, test } from "vitest";
import type { Span } from "./tracing.ts";
import { parseTraceparent, traced, traceparentOf } from "./tracing.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";

describe("a traceparent", () => {
  test("names a trace, a span and whether they are recorded", () => {
    const context = parseTraceparent(`00-${TRACE}-${SPAN}-01`);
    expect(context).toEqual({ traceId: TRACE, spanId: SPAN, flags: 1 });
    expect(context && traceparentOf(context)).toBe(`00-${TRACE}-${SPAN}-01`);
  });

  test.each([
    ["upper case", `00-${TRACE.toUpperCase()}-${SPAN}-01`],
    ["no trace", `00-${"0".repeat(32)}-${SPAN}-01`],
    ["no span", `00-${TRACE}-${"0".repeat(16)}-01`],
    ["a version that never will be", `ff-${TRACE}-${SPAN}-01`],
    ["cut off", `00-${TRACE}-${SPAN}`],
    ["several", [`00-${TRACE}-${SPAN}-01`]],
    ["nothing", undefined],
  ])("of %s is none", (_what, text) => {
    expect(parseTraceparent(text)).toBeUndefined();
  });
});

describe("work within a span", () => {
  function spanTo(ends: unknown[]): Span {
    const span: Span = {
      traceparent: "",
      child: () => span,
      end: (ending) => void ends.push(ending),
    };
    return span;
  }

  test("ends it once, and says when it failed, now or later", async () => {
    const ends: unknown[] = [];
    const span = spanTo(ends);
    expect(traced(span, () => 7)).toBe(7);
    const fail = (): never => {
      throw new Error("no");
    };
    expect(() => traced(span, fail)).toThrow("no");
    await traced(span, () => Promise.resolve());
    await expect(traced(span, () => Promise.reject(new Error("late")))).rejects.toThrow("late");
    expect(ends).toEqual([undefined, { failed: true }, undefined, { failed: true }]);
  });

  test("costs nothing where there is none", () => {
    expect(traced(undefined, () => 7)).toBe(7);
  });
});
