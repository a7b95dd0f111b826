/**
 * Does an output have the lines that a page shows?
 *
 * A page shows what a person looks for and not every byte: spaces and the frames of tables do not count, `…`
 * and the spaces around it stand for anything, lines in between may be left out, the order holds.
 */

/** The first expected line that is not there; undefined when all are. */
export function missingLine(expected: readonly string[], output: string): string | undefined {
  const lines = output.split("\n").map(plain);
  let at = 0;
  for (const line of expected) {
    if (plain(line) === "") continue;
    const pattern = patternOf(line);
    const found = lines.findIndex((candidate, index) => index >= at && pattern.test(candidate));
    if (found < 0) return line;
    at = found + 1;
  }
  return undefined;
}

function patternOf(line: string): RegExp {
  const parts = plain(line)
    .split(/ ?… ?/)
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`);
}

/** Without colours and the frames of tables, and with single spaces. */
function plain(line: string): string {
  // eslint-disable-next-line no-control-regex -- the escape character is what is looked for
  const text = line.replace(/\u001b\[[0-9;]*[A-Za-z]/g, "");
  return text
    .replace(/[\u2500-\u257f]/g, " ")
    .replace(/\s+/g, " ")
    .trim();
}
