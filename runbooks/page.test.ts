import { describe, expect, test } from "vitest";
import { missingLine } from "./expectation.ts";
import { parsePage } from "./page.ts";

const FENCE = "```";
const PAGE = `---
alerts: [SplitBrain]
drill: { fault: [cut us-east-1 eu-west-1], within: 5m }
---
# Split brain

## Detect
${FENCE}sh exit=3 within=15s detects
atoll status
${FENCE}

${FENCE}text
… cut …
${FENCE}
A sentence.
${FENCE}text
not expected of anything
${FENCE}
<!-- drill: heal -->
${FENCE}sh
true
${FENCE}
${FENCE}yaml
not: executed
${FENCE}
`;

describe("a page", () => {
  test("is its blocks, what they must show, and the acts between them", () => {
    const page = parsePage("split-brain", PAGE);
    expect(page).toMatchObject({
      title: "Split brain",
      alerts: ["SplitBrain"],
      sections: ["Detect"],
    });
    expect(page.drill).toEqual({
      fault: ["cut us-east-1 eu-west-1"],
      writes: true,
      withinSeconds: 300,
      needs: [],
    });
    expect(page.steps).toMatchObject([
      {
        kind: "shell",
        script: "atoll status",
        expected: ["… cut …"],
        exitCode: 3,
        withinSeconds: 15,
        detects: true,
      },
      { kind: "act", act: "heal" },
      { kind: "shell", script: "true", expected: [], exitCode: 0, withinSeconds: 0 },
    ]);
  });

  test("with a word that means nothing, no end of a block or no front matter is refused", () => {
    expect(() => parsePage("x", PAGE.replace("exit=3", "exits=3"))).toThrow(
      "x.md:8: unknown word exits=3",
    );
    expect(() => parsePage("x", `${PAGE}${FENCE}sh\nls\n`)).toThrow("without an end");
    expect(() => parsePage("x", "# X\n")).toThrow("no front matter");
    expect(() => parsePage("x", PAGE.replace("within: 5m", "within: soon"))).toThrow();
  });
});

describe("what a block must show", () => {
  const output = "┌────┬───┐\n│ us-east-1 │ cut   since 12:00 │\n└────┴───┘\nAll is told.\n";

  test("is found whatever the spaces, the frames and the lines between", () => {
    expect(missingLine(["us-east-1 cut since …", "All is told."], output)).toBeUndefined();
    expect(missingLine(["│ us-east-1 │ … │"], output)).toBeUndefined();
    expect(missingLine(["…"], output)).toBeUndefined();
    expect(missingLine([], "")).toBeUndefined();
  });

  test("is missed when a word is another, the line goes on or the order is another", () => {
    expect(missingLine(["us-east-1 live …"], output)).toBe("us-east-1 live …");
    expect(missingLine(["us-east-1 cut"], output)).toBe("us-east-1 cut");
    expect(missingLine(["All is told.", "us-east-1 …"], output)).toBe("us-east-1 …");
    expect(missingLine(["All is told?"], output)).toBe("All is told?");
  });
});
