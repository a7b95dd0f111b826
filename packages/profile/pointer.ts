/**
 * JSON Pointer (RFC 6901): how faults, counters and conflicts name a place in a profile.
 *
 * The escape order matters: `~` first when writing, last when reading, or `~1` and `~01` collide.
 */

/** The pointer of a member or item below another pointer. */
export function childPointer(parent: string, name: string | number): string {
  return `${parent}/${String(name).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

/** The names along the way; undefined for what is not a JSON Pointer. */
export function parsePointer(pointer: string): string[] | undefined {
  if (pointer === "") return [];
  if (!pointer.startsWith("/") || /~(?![01])/.test(pointer)) return undefined;
  return pointer
    .slice(1)
    .split("/")
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}
