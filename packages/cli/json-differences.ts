/** The places at which two JSON values differ, as JSON Pointers: members of objects, anything else as a whole. */
export interface JsonDifference {
  readonly pointer: string;
  /** Undefined where nothing is. */
  readonly values: readonly [unknown, unknown];
}

export function jsonDifferences(a: unknown, b: unknown, pointer = ""): JsonDifference[] {
  if (!isObject(a) || !isObject(b)) {
    return JSON.stringify(a) === JSON.stringify(b) ? [] : [{ pointer, values: [a, b] }];
  }
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();
  return names.flatMap((name) => {
    const below = `${pointer}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    const [ours, theirs] = [a, b].map((value) =>
      Object.hasOwn(value, name) ? value[name] : undefined,
    );
    return jsonDifferences(ours, theirs, below);
  });
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
