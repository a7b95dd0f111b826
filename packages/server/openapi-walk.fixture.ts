/**
 * Sends what an OpenAPI document shows, to a real region.
 *
 * Of a request's example only what the region alone can know is replaced: a version of the profile, a
 * session, a cursor. The rest goes out as a reader of the document would copy it.
 */
import { assert, must } from "@atoll/core";
import type { RestRegion } from "./rest-region.fixture.ts";

export type Json = Readonly<Record<string, unknown>>;

export interface Described {
  readonly method: string;
  readonly path: string;
  readonly operationId: string;
  readonly parameters: readonly {
    readonly name: string;
    readonly in: "path" | "query" | "header";
    readonly required: boolean;
    readonly example?: string;
    readonly schema: Json;
  }[];
  readonly body: Readonly<Record<string, { readonly schema: Json; readonly example?: unknown }>>;
  readonly responses: readonly DescribedAnswer[];
}

export interface DescribedAnswer {
  readonly status: number;
  readonly headers: readonly string[];
  readonly content: Readonly<Record<string, { readonly schema: Json; readonly example?: unknown }>>;
}

export interface OpenDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Json>>>>;
  readonly components: {
    readonly parameters: Readonly<Record<string, Json>>;
    readonly headers: Json;
    readonly responses: Readonly<Record<string, Json>>;
    readonly schemas: Json;
  };
}

/** In an order in which each finds what it needs: deletions last. */
export function describedOperations({ paths, components }: OpenDocument): Described[] {
  const all = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): Described => {
      const {
        parameters = [],
        requestBody,
        responses,
      } = operation as {
        parameters?: Json[];
        requestBody?: { content: Described["body"] };
        responses: Record<string, Json>;
      };
      return {
        method: method.replace("x-", "").toUpperCase(),
        path,
        operationId: operation["operationId"] as string,
        parameters: parameters.map((each) =>
          found(components.parameters, each),
        ) as unknown as Described["parameters"],
        body: requestBody?.content ?? {},
        responses: Object.entries(responses).map(([status, each]) => {
          const { headers, content = {} } = found(components.responses, each) as {
            headers: Json;
            content?: DescribedAnswer["content"];
          };
          return { status: Number(status), headers: Object.keys(headers), content };
        }),
      };
    }),
  );
  const rank = ({ method }: Described) => (method === "PUT" ? 0 : method === "DELETE" ? 2 : 1);
  return all.sort((a, b) => rank(a) - rank(b));
}

function found(components: Readonly<Record<string, Json>>, each: Json): Json {
  const { $ref } = each;
  if (typeof $ref !== "string") return each;
  return must(components[$ref.split("/").at(-1) ?? ""], $ref);
}

export interface Sent {
  readonly status: number;
  readonly type: string;
  readonly headers: Headers;
  /** Of a stream: what came first. */
  readonly text: string;
}

export class Walk {
  readonly #region: RestRegion;
  /** The version that examples speak of; known once the profile has been made. */
  #headInExamples: string;
  #head = "";

  constructor(region: RestRegion, document: OpenDocument) {
    this.#region = region;
    const { example } = must(document.components.parameters["Base-Version"], "Base-Version");
    this.#headInExamples = example as string;
  }

  /** Sends the example, with all its query or with what it must have alone. */
  async send(
    operation: Described,
    asked: {
      readonly type?: string | undefined;
      readonly accept?: string;
      /** One that the operation describes. */
      readonly header?: { readonly name: string; readonly example: string };
      readonly bare?: boolean;
    } = {},
  ): Promise<Sent> {
    await this.#prepare(operation);
    const { type, accept, header } = asked;
    const value = header && ((await this.#liveHeader(header.name)) ?? header.example);
    const example = type === undefined ? undefined : operation.body[type]?.example;
    const answer = new AbortController();
    const response = await fetch(this.#region.url + this.#target(operation, asked.bare === true), {
      method: operation.method,
      headers: {
        ...(type !== undefined && { "content-type": type }),
        ...(accept !== undefined && { accept }),
        ...(header !== undefined && value !== undefined && { [header.name]: value }),
      },
      ...(type !== undefined && { body: this.#live(JSON.stringify(example)) }),
      signal: answer.signal,
    });
    const [contentType = ""] = (response.headers.get("content-type") ?? "").split(";");
    const isStream = /event-stream|ndjson/.test(contentType);
    const text = isStream ? await this.#beginning(response) : await response.text();
    answer.abort();
    return { status: response.status, type: contentType, headers: response.headers, text };
  }

  #target({ path, parameters }: Described, bare: boolean): string {
    let target = path;
    const query = new URLSearchParams();
    for (const { name, in: place, required, example } of parameters) {
      if (example === undefined || place === "header") continue;
      if (place === "path") target = target.replace(`{${name}}`, encodeURIComponent(example));
      else if (required || !bare) query.set(name, this.#live(example));
    }
    return query.size === 0 ? target : `${target}?${query.toString()}`;
  }

  #live(text: string): string {
    return text.replaceAll(this.#headInExamples, this.#head);
  }

  /** The profile that the examples are about, and two writes of its headline that met. */
  async #prepare({ operationId, path }: Described): Promise<void> {
    if (!path.includes("{id}") && !path.includes(":batch")) return;
    const region = this.#region;
    const seen = await region.get("ada");
    if (operationId === "putProfile") return;
    if (seen.status === 404) await region.put("ada", { displayName: "Ada Lovelace" });
    const { headers } = await region.mergePatch("ada", { headline: "Analyst of engines" });
    const base = headers.get("document-heads") ?? "";
    if (this.#head === "") this.#head = base;
    if (!/conflicts|explain/.test(path)) return;
    await region.mergePatch("ada", { headline: "Mathematician" });
    const met = await region.mergePatch("ada", { headline: "Poet" }, { "base-version": base });
    assert(met.headers.get("conflicts") === "?1", "two writes that knew nothing of each other");
  }

  /** A value for a header that only this region can know; undefined for those that anybody can. */
  async #liveHeader(name: string): Promise<string | undefined> {
    const { headers } = await this.#region.get("ada");
    switch (name) {
      case "If-Match":
        return headers.get("etag") ?? "*";
      case "Base-Version":
        return headers.get("document-heads") ?? "";
      case "Session-Token":
        return headers.get("session-token") ?? "";
      case "Last-Event-ID": {
        const page = await this.#region.call("GET", "/v1/changes?limit=1");
        return (page.json as { cursor: string }).cursor;
      }
      default:
        return undefined;
    }
  }

  async #beginning(response: Response): Promise<string> {
    const decoder = new TextDecoder();
    let text = "";
    for await (const chunk of must(response.body, "a body")) {
      text += decoder.decode(chunk as Uint8Array, { stream: true });
      if (text.includes("}\n")) break;
    }
    return text;
  }
}
