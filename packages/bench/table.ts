/** A table for a terminal: numbers to the right, a title above, nothing to install. */
export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

export function tableText({ title, columns, rows }: Table): string {
  const cells = rows.map((row) => row.map(cellText));
  const isNumber = columns.map((_, i) => rows.every((row) => typeof row[i] === "number"));
  const widths = columns.map((name, i) =>
    Math.max(name.length, ...cells.map((row) => row[i]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((text, i) =>
        isNumber[i] === true ? text.padStart(widths[i] ?? 0) : text.padEnd(widths[i] ?? 0),
      )
      .join("  ")
      .trimEnd();
  return [
    title,
    line(columns),
    line(widths.map((width) => "─".repeat(width))),
    ...cells.map(line),
  ].join("\n");
}

function cellText(value: string | number): string {
  if (typeof value === "string") return value;
  if (Number.isInteger(value)) return value.toLocaleString("en-GB");
  return value.toLocaleString("en-GB", { maximumFractionDigits: Math.abs(value) < 10 ? 2 : 1 });
}

/** For JSON: enough digits to compare, not so many that they look exact. */
export function rounded(value: number, digits = 3): number {
  const scale = 10 ** digits;
  return Math.round(value * scale) / scale;
}
