/**
 * The OpenAPI 3.1 description, made of what the router runs on: the operations by which it parses, the
 * policy by which it lets in, and the table of problems.
 *
 * Nothing about a route is written down here. What can be told of a route and is not in its operation
 * belongs there, not here, so that the two cannot come to differ.
 */
import type { z } from "zod";
import { AtollError } from "@atoll/core";
import type { ErrorCode } from "@atoll/core";
import type { JsonObject, JsonValue } from "@atoll/profile";
import { EXAMPLES } from "./contract/examples.ts";
import type { OperationExample } from "./contract/examples.ts";
import { ANSWER_HEADERS, COMMON_ANSWER, REQUEST_HEADERS } from "./contract/headers.ts";
import type { AnswerHeader } from "./contract/headers.ts";
import type { Content, Operation } from "./contract/operation.ts";
import { ADMIN_GROUPS } from "./contract/admin-operations.ts";
import type { OperationGroup } from "./contract/operations.ts";
import { OPERATION_GROUPS } from "./contract/operations.ts";
import { PROBLEM_TYPE, problemDocument } from "./contract/problem-document.ts";
import { profileId } from "./contract/values.ts";
import { SchemaCollection } from "./openapi-schemas.ts";
import type { Side } from "./openapi-schemas.ts";
import type {
  OpenapiContent,
  OpenapiDocument,
  OpenapiOperation,
  OpenapiParameter,
  OpenapiReference,
  OpenapiResponse,
} from "./openapi-shape.ts";
import { accessOf } from "./policy.ts";
import type { Access } from "./policy.ts";
import { rolesWith } from "./principal.ts";
import { PROBLEMS, TYPE_BASE, problemBody } from "./problem.ts";

const REQUEST_ID = ANSWER_HEADERS["Request-Id"].example;
const CODES = Object.keys(PROBLEMS) as ErrorCode[];
const OF_ALL: readonly ErrorCode[] = ["overloaded", "internal"];
const OF_CREDENTIALS: readonly ErrorCode[] = [
  "malformed-request",
  "unauthenticated",
  "forbidden",
  "rate-limited",
];

export type Listener = "public" | "admin";

const GROUPS: Readonly<Record<Listener, readonly OperationGroup[]>> = {
  public: OPERATION_GROUPS,
  admin: ADMIN_GROUPS,
};

const made: Partial<Record<Listener, OpenapiDocument>> = {};

/** The same object each time. */
export function openapiDocument(listener: Listener = "public"): OpenapiDocument {
  return (made[listener] ??= makeDocument(listener));
}

/** As it is checked in, and the public one served. */
export function openapiText(listener: Listener = "public"): string {
  return `${JSON.stringify(openapiDocument(listener), undefined, 2)}\n`;
}

/** `/v1/profiles/:id` → `/v1/profiles/{id}`; an escaped colon is one. */
export function openapiPath(path: string): string {
  return path.replaceAll(/(?<!\\):(\w+)/g, "{$1}").replaceAll("\\:", ":");
}

function makeDocument(listener: Listener): OpenapiDocument {
  const groups = GROUPS[listener];
  const schemas = new SchemaCollection();
  const problem = schemas.add(
    problemDocument(CODES.map((code) => TYPE_BASE + code)).meta({ id: "Problem" }),
    "output",
  );
  const parts: Parts = { schemas, problem, refusals: new Map() };
  const paths: Record<string, Record<string, OpenapiOperation>> = {};
  for (const { name, operations } of groups) {
    for (const operation of operations) {
      const methods = (paths[openapiPath(operation.path)] ??= {});
      const method = operation.method === "query" ? "x-query" : operation.method;
      methods[method] = describe(operation, name, parts);
    }
  }
  return {
    openapi: "3.1.1",
    info: {
      title: listener === "public" ? "Atoll" : "Atoll, the admin listener",
      version: "1",
      summary: "A multi-region profile database",
      description:
        "Every region answers the same calls about its own full copy. GET serves HEAD too, and every " +
        "path serves OPTIONS. Any answer may be refused with a problem (RFC 9457), whose `type` is one " +
        "of `x-atoll-problems`. A listener on loopback may be open: no credential is needed there.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/", description: "The region that served this" }],
    tags: groups.map(({ name, description }) => ({ name, description })),
    paths,
    components: {
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          description: "An API key (`atoll key new`) or a JWT of the configured issuer",
        },
      },
      parameters: Object.fromEntries(
        Object.entries(REQUEST_HEADERS).map(([name, header]) => [
          name,
          { name, in: "header", required: false, ...header, schema: { type: "string" } },
        ]),
      ),
      headers: Object.fromEntries(
        Object.entries(ANSWER_HEADERS).map(([name, header]) => [
          name,
          { ...header, schema: { type: "string" } },
        ]),
      ),
      responses: Object.fromEntries(parts.refusals),
      schemas: schemas.components,
    },
    "x-atoll-problems": Object.fromEntries(
      CODES.map((code) => [
        code,
        { type: TYPE_BASE + code, status: PROBLEMS[code].status, title: PROBLEMS[code].title },
      ]),
    ),
  };
}

/** What several operations share. */
interface Parts {
  readonly schemas: SchemaCollection;
  /** A reference to it. */
  readonly problem: JsonObject;
  readonly refusals: Map<string, OpenapiResponse>;
}

function describe(operation: Operation, tag: string, parts: Parts): OpenapiOperation {
  const { schemas } = parts;
  const { id, method, path, summary, body } = operation;
  const access = accessOf(method, path);
  const example = EXAMPLES[id] ?? {};
  const parameters = parametersOf(operation, example, schemas);
  return {
    operationId: id,
    tags: [tag],
    summary,
    description: describeAccess(access),
    "x-atoll-permission": access.permission,
    security: access.permission === "anybody" ? [] : [{ bearer: [] }],
    ...(parameters.length > 0 && { parameters }),
    ...(body !== undefined && {
      requestBody: { required: true, content: contentOf(body, "input", example.body, schemas) },
    }),
    responses: responsesOf(operation, access, example, parts),
  };
}

function describeAccess({ permission, whole }: Access): string {
  const roles = rolesWith(permission);
  if (roles === undefined) return "For anybody; needs no credential.";
  const limit =
    whole === true ? " It shows whole profiles, so not for a credential with `fields`." : "";
  return `Needs the permission \`${permission}\`: role ${roles.join(" or ")}.${limit}`;
}

function parametersOf(
  { path, query, parameters = {}, headers = [] }: Operation,
  example: OperationExample,
  schemas: SchemaCollection,
): (OpenapiParameter | OpenapiReference)[] {
  const ofPath = [...path.matchAll(/(?<!\\):(\w+)/g)].map(([, name = ""]) =>
    parameter(
      name,
      "path",
      true,
      schemas.add(parameters[name] ?? profileId, "input"),
      example.path?.[name],
    ),
  );
  const ofQuery = Object.entries(query?.shape ?? {}).map(([name, schema]) => {
    const described = schemas.add(schema as z.ZodType, "input");
    const isRequired = !(schema as z.ZodType).safeParse(undefined).success;
    return parameter(name, "query", isRequired, described, example.query?.[name]);
  });
  const ofHeaders = headers.map((name) => ({ $ref: `#/components/parameters/${name}` }));
  return [...ofPath, ...ofQuery, ...ofHeaders];
}

function parameter(
  name: string,
  place: "path" | "query",
  required: boolean,
  { description, ...schema }: JsonObject,
  example: JsonValue | undefined,
): OpenapiParameter {
  return {
    name,
    in: place,
    required,
    ...(typeof description === "string" && { description }),
    schema,
    ...(example !== undefined && { example }),
  };
}

function responsesOf(
  { responses, problems }: Operation,
  access: Access,
  example: OperationExample,
  parts: Parts,
): Record<string, OpenapiResponse | OpenapiReference> {
  const described: Record<string, OpenapiResponse | OpenapiReference> = {};
  for (const [status, { description, content, headers = [] }] of Object.entries(
    responses as Record<string, Content>,
  )) {
    described[status] = {
      description,
      headers: headersNamed([...COMMON_ANSWER, ...ratesOf(access), ...headers]),
      ...(content !== undefined && {
        content: contentOf(content, "output", example.answer, parts.schemas),
      }),
    };
  }
  const ofGate = access.permission === "anybody" ? [] : OF_CREDENTIALS;
  const codes = [...new Set([...ofGate, ...problems, ...OF_ALL])];
  for (const [status, refusals] of Map.groupBy(codes, (code) => PROBLEMS[code].status)) {
    const refusal = refusalOf(refusals, parts.problem);
    const other = described[status];
    if (other === undefined) {
      const name = refusals.join(".");
      parts.refusals.set(name, refusal);
      described[status] = { $ref: `#/components/responses/${name}` };
    } else if (!("$ref" in other)) {
      described[status] = {
        description: `${other.description}; or ${refusal.description}`,
        headers: { ...other.headers, ...refusal.headers },
        content: { ...other.content, ...refusal.content },
      };
    }
  }
  return described;
}

function refusalOf(codes: readonly ErrorCode[], schema: JsonObject): OpenapiResponse {
  return {
    description: codes.map((code) => `\`${code}\``).join(", "),
    headers: headersNamed([...COMMON_ANSWER, ...codes.flatMap(headersOfProblem)]),
    content: {
      [PROBLEM_TYPE]: { schema, example: problemExample(codes[0] ?? "internal") },
    },
  };
}

function problemExample(code: ErrorCode): JsonObject {
  const error = new AtollError(code, "what is wrong with this request");
  return JSON.parse(JSON.stringify(problemBody(error, { requestId: REQUEST_ID }))) as JsonObject;
}

function ratesOf({ permission }: Access): readonly AnswerHeader[] {
  const isLimited = permission === "read" || permission === "audit" || permission === "write";
  return isLimited ? ["RateLimit-Policy", "RateLimit"] : [];
}

function headersOfProblem(code: ErrorCode): readonly AnswerHeader[] {
  if (code === "unauthenticated" || code === "forbidden") return ["WWW-Authenticate"];
  if (code === "precondition-failed") return ["ETag"];
  if (code === "unsupported-media-type") return ["Accept", "Accept-Patch"];
  return PROBLEMS[code].retryAfterSeconds === undefined ? [] : ["Retry-After"];
}

function headersNamed(names: readonly AnswerHeader[]): Record<string, OpenapiReference> {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

function contentOf(
  content: Readonly<Record<string, z.ZodType>>,
  side: Side,
  examples: Readonly<Record<string, JsonValue>> | undefined,
  schemas: SchemaCollection,
): OpenapiContent {
  return Object.fromEntries(
    Object.entries(content).map(([type, schema]) => {
      const example = examples?.[type];
      return [
        type,
        { schema: schemas.add(schema, side), ...(example !== undefined && { example }) },
      ];
    }),
  );
}
