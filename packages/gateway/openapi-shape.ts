/** The parts of an OpenAPI 3.1 document that ours has. */
import type { JsonObject, JsonValue } from "@atoll/profile";

export interface OpenapiDocument {
  readonly openapi: string;
  readonly info: Readonly<Record<"title" | "version" | "summary" | "description", string>> & {
    readonly license: { readonly name: string; readonly identifier: string };
  };
  readonly servers: readonly { readonly url: string; readonly description: string }[];
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  /** By path, then by method; QUERY, which OpenAPI 3.1 does not know, as `x-query`. */
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenapiOperation>>>>;
  readonly components: {
    readonly securitySchemes: JsonObject;
    readonly parameters: Readonly<Record<string, OpenapiParameter>>;
    readonly headers: Readonly<Record<string, OpenapiHeader>>;
    /** Refusals, by the codes that they may have. */
    readonly responses: Readonly<Record<string, OpenapiResponse>>;
    readonly schemas: Readonly<Record<string, JsonObject>>;
  };
  /** Every problem that there is, with its status and title. */
  readonly "x-atoll-problems": Readonly<Record<string, JsonObject>>;
}

export interface OpenapiOperation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description: string;
  readonly "x-atoll-permission": string;
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly (OpenapiParameter | OpenapiReference)[];
  readonly requestBody?: { readonly required: true; readonly content: OpenapiContent };
  readonly responses: Readonly<Record<string, OpenapiResponse | OpenapiReference>>;
}

export interface OpenapiReference {
  readonly $ref: string;
}

export interface OpenapiParameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required: boolean;
  readonly description?: string;
  readonly schema: JsonObject;
  readonly example?: JsonValue;
}

export interface OpenapiHeader {
  readonly description: string;
  readonly schema: JsonObject;
  readonly example: string;
}

export interface OpenapiResponse {
  readonly description: string;
  readonly headers: Readonly<Record<string, OpenapiReference>>;
  readonly content?: OpenapiContent;
}

export type OpenapiContent = Readonly<
  Record<string, { readonly schema: JsonObject; readonly example?: JsonValue }>
>;
