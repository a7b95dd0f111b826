/** What whoever hands a request on must know of HTTP: which headers stay behind, and what may be asked twice. */
import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from "node:http";

/** RFC 9110, section 7.6.1. */
const HOP_BY_HOP = [
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

export function endToEnd(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  const passed: OutgoingHttpHeaders = { ...headers };
  const named = (headers.connection ?? "").split(",").map((name) => name.trim().toLowerCase());
  for (const name of [...HOP_BY_HOP, ...named]) delete passed[name];
  return passed;
}

/** Of an answer that is passed on as it is: names as they were written, one after the other with their values. */
export function endToEndAsWritten({ rawHeaders, headers }: IncomingMessage): string[] {
  const passed = endToEnd(headers);
  const kept: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const [name = "", value = ""] = rawHeaders.slice(i, i + 2);
    if (Object.hasOwn(passed, name.toLowerCase())) kept.push(name, value);
  }
  return kept;
}

export function isSafe(method: string | undefined): boolean {
  return method === "GET" || method === "HEAD" || method === "QUERY";
}
