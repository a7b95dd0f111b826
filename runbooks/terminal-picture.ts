/**
 * What a terminal shows, as a picture for a page: text on standard input, SVG on standard output.
 *
 *     atoll status | node runbooks/terminal-picture.ts "atoll status" > runbooks/img/split-brain.svg
 *
 * Made from real output and kept as text, so that it can be searched, read aloud and made again.
 */
import { text } from "node:stream/consumers";

const COLUMNS = 132;
const CHAR_WIDTH = 7.8;
const LINE_HEIGHT = 18;
const MARGIN = 16;
const INK = "#d6deeb";
const PAPER = "#0f1b2b";

/** What catches the eye is what an operator looks for. */
const COLORS: readonly (readonly [RegExp, string])[] = [
  [/^(?:\S+ )?.*(?:CUT|no answer|DIFFERS|cut {2,})/, "#ff8a80"],
  [/^The cluster is in/, "#ffcb6b"],
  [/^(?:Both sides keep serving|All regions are well)/, "#a5e8a0"],
];

const command = process.argv[2] ?? "";
const shown = [
  `$ ${command}`,
  ...(await text(process.stdin)).trimEnd().split("\n").flatMap(wrapped),
];
process.stdout.write(svgOf(shown));

function svgOf(lines: readonly string[]): string {
  const columns = Math.max(COLUMNS, ...lines.map(({ length }) => length));
  const width = Math.ceil(columns * CHAR_WIDTH + 2 * MARGIN);
  const height = lines.length * LINE_HEIGHT + 2 * MARGIN;
  const rows = lines.map((line, index) => {
    const y = MARGIN + (index + 1) * LINE_HEIGHT - 5;
    const length = (line.length * CHAR_WIDTH).toFixed(1);
    return line.trim() === ""
      ? ""
      : `<text x="${MARGIN}" y="${y}" fill="${colorOf(line)}" textLength="${length}" xml:space="preserve">${escaped(line)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(command)}" font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="13">
<rect width="100%" height="100%" rx="8" fill="${PAPER}"/>
${rows.filter((row) => row !== "").join("\n")}
</svg>
`;
}

function colorOf(line: string): string {
  return COLORS.find(([pattern]) => pattern.test(line))?.[1] ?? INK;
}

/** At spaces; what goes on is indented. A table is as wide as it is: one that is folded cannot be read. */
function wrapped(line: string): string[] {
  if (line.length <= COLUMNS || /^[┌├└│]/.test(line)) return [line];
  const at = line.lastIndexOf(" ", COLUMNS);
  const cut = at > 0 ? at : COLUMNS;
  return [line.slice(0, cut), ...wrapped(`    ${line.slice(cut).trimStart()}`)];
}

function escaped(line: string): string {
  return line
    .replace(/&/g, "&amp;")
    .replace(/</g, "&lt;")
    .replace(/>/g, "&gt;")
    .replace(/"/g, "&quot;");
}
