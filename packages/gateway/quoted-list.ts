/**
 * Lists in header fields whose items may quote the separator.
 *
 * `Prefer: a="1,2", b` has two items, and `header.split(",")` finds three: the mistake that lets a
 * quoted string smuggle a preference in. One left-to-right scan, linear in the header whatever it
 * holds, and total: text that fits no grammar comes back as items that their parser refuses.
 */

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const QUOTED = /^"(?:[^"\\]|\\.)*"$/;

/** The items between separators that stand outside quoted strings, trimmed; empty ones too. */
export function splitOutsideQuotes(text: string, separator: "," | ";"): readonly string[] {
  const items: string[] = [];
  let start = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (char === '"') quoted = !quoted;
    else if (char === "\\" && quoted)
      i++; // the next character is quoted, even a quote
    else if (char === separator && !quoted) {
      items.push(text.slice(start, i).trim());
      start = i + 1;
    }
  }
  items.push(text.slice(start).trim());
  return items;
}

export interface Parameter {
  /** In lower case: names are compared without case. */
  readonly name: string;
  /** Empty when there is none: RFC 7240 makes no difference between the two. */
  readonly value: string;
}

/** `name`, `name=token` or `name="quoted"`; undefined for anything else. */
export function parseParameter(item: string): Parameter | undefined {
  const equals = item.indexOf("=");
  const name = (equals < 0 ? item : item.slice(0, equals)).trim();
  if (!TOKEN.test(name)) return undefined;
  const word = equals < 0 ? "" : item.slice(equals + 1).trim();
  if (word === "" || TOKEN.test(word)) return { name: name.toLowerCase(), value: word };
  if (!QUOTED.test(word)) return undefined;
  return { name: name.toLowerCase(), value: word.slice(1, -1).replace(/\\(.)/g, "$1") };
}
