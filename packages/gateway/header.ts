/**
 * One field of a request's head, as one text.
 *
 * Node joins fields of one name with a comma, as HTTP has it (RFC 9110 section 5.2), but for cookies, which
 * nobody asks for here. Not `request.get` of Express: a request that came by the direct road never met it.
 */
import type { IncomingMessage } from "node:http";

/** `name`: in lower case. */
export function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === "string" ? value : undefined;
}
