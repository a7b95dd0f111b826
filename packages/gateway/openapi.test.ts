/** The document: current, whole, and OpenAPI 3.1. Whether it tells the truth is tried in server/rest-openapi.test.ts. */
import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { ROLES } from "@atoll/core";
import { DOCS_STYLE, docsPage } from "./docs-page.ts";
import { mountOperations } from "./contract-routes.ts";
import { getSchema } from "./contract/schema.ts";
import { Loopback } from "./loopback.ts";
import { openapiDocument, openapiPath, openapiText } from "./openapi.ts";
import { POLICY } from "./policy.ts";
import { permits } from "./principal.ts";
import { PROBLEMS } from "./problem.ts";

const document = openapiDocument();
const described = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    route: `${method.replace("x-", "").toUpperCase()} ${path}`,
    path,
    operation,
  })),
);
const isPublic = (route: string): boolean => !/ \/(admin\/|metrics)/.test(route);

describe("the document", () => {
  test("is checked in as it is made: run `npm run openapi`", () => {
    const file = readFileSync(new URL("./openapi.json", import.meta.url), "utf8");
    expect(file === openapiText()).toBe(true);
  });

  test("has every public route of the policy, and nothing else", () => {
    const routes = Object.keys(POLICY).filter(isPublic).map(openapiPath);
    expect(described.map(({ route }) => route).sort()).toEqual(routes.sort());
  });

  test.each(Object.entries(POLICY).filter(([route]) => isPublic(route)))(
    "tells who may use %s",
    (route, { permission }) => {
      const found = described.find((each) => each.route === openapiPath(route));
      expect(found?.operation["x-atoll-permission"]).toBe(permission);
      expect(found?.operation.security).toEqual(permission === "anybody" ? [] : [{ bearer: [] }]);
      const text = found?.operation.description ?? "";
      for (const role of ROLES) {
        const who = { name: role, tenant: "t" as never, roles: [role], fields: undefined };
        const isNamed = permission !== "anybody" && permits(who, permission);
        expect([role, new RegExp(`\\b${role}\\b`).test(text)]).toEqual([role, isNamed]);
      }
    },
  );

  test("names every problem with its status, and each refusal under the status that it has", () => {
    const known = Object.entries(document["x-atoll-problems"]);
    expect(known.map(([code, { status }]) => [code, status])).toEqual(
      Object.entries(PROBLEMS).map(([code, { status }]) => [code, status]),
    );
    for (const { operation } of described) {
      for (const [status, response] of Object.entries(operation.responses)) {
        if (!("$ref" in response)) continue;
        const codes = (response.$ref.split("/").at(-1) ?? "").split(
          ".",
        ) as (keyof typeof PROBLEMS)[];
        for (const code of codes) expect(PROBLEMS[code].status).toBe(Number(status));
      }
    }
  });

  test("shows an example of every body and every answer that is text", () => {
    const lacking = described.flatMap(({ route, operation }) => {
      const answers = Object.entries(operation.responses).flatMap(([status, response]) =>
        "$ref" in response || Number(status) >= 300 ? [] : Object.entries(response.content ?? {}),
      );
      return [...Object.entries(operation.requestBody?.content ?? {}), ...answers]
        .filter(([type, { example }]) => example === undefined && !type.includes("automerge"))
        .map(([type]) => `${route} ${type}`);
    });
    expect(lacking).toEqual([]);
  });

  test("has no operation without a description: it cannot be mounted", () => {
    const stranger = { ...getSchema, path: "/v1/schema" };
    expect(() => mountOperations({} as never, [[stranger, () => undefined]])).toThrow(
      "is not among the operations that are described",
    );
  });
});

describe("the document of the admin listener", () => {
  const admin = openapiDocument("admin");
  const routes = Object.entries(admin.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );

  test("is checked in as it is made: run `npm run openapi`", () => {
    const file = readFileSync(new URL("./openapi-admin.json", import.meta.url), "utf8");
    expect(file === openapiText("admin")).toBe(true);
  });

  test("has every route of it that the policy has, and nothing else", () => {
    const known = Object.keys(POLICY).filter((route) => !isPublic(route));
    expect(routes.sort()).toEqual(known.map(openapiPath).sort());
  });

  test("tells who may use each, and refers to nothing that is not there", () => {
    for (const [route, { permission }] of Object.entries(POLICY)) {
      if (isPublic(route)) continue;
      const [method = "", path = ""] = openapiPath(route).split(" ");
      const operation = admin.paths[path]?.[method.toLowerCase()];
      expect([route, operation?.["x-atoll-permission"]]).toEqual([route, permission]);
    }
    const parts = admin.components as unknown as Record<string, Record<string, unknown>>;
    for (const [, kind = "", name = ""] of JSON.stringify(admin).matchAll(
      /"#\/components\/(\w+)\/([^"]+)"/g,
    )) {
      expect([kind, name, parts[kind]?.[name] === undefined]).toEqual([kind, name, false]);
    }
  });
});

describe("as OpenAPI 3.1, the document", () => {
  const schema = z.record(z.string(), z.unknown());
  const reference = z.strictObject({ $ref: z.string().startsWith("#/components/") });
  const content = z.record(
    z.string().regex(/^[a-z]+\/[a-z0-9.+-]+$/),
    z.strictObject({ schema, example: z.unknown().optional() }),
  );
  const parameter = z
    .strictObject({
      name: z.string().min(1),
      in: z.enum(["path", "query", "header"]),
      required: z.boolean(),
      description: z.string().optional(),
      schema,
      example: z.unknown().optional(),
    })
    .refine((each) => each.in !== "path" || each.required);
  const header = z.strictObject({ description: z.string(), schema, example: z.unknown() });
  const response = z.strictObject({
    description: z.string().min(1),
    headers: z.record(z.string(), reference),
    content: content.optional(),
  });
  const operation = z.strictObject({
    operationId: z.string().regex(/^[a-z][A-Za-z]+$/),
    tags: z.tuple([z.enum(document.tags.map(({ name }) => name))]),
    summary: z.string().min(1),
    description: z.string().min(1),
    "x-atoll-permission": z.string(),
    security: z.array(z.record(z.literal("bearer"), z.array(z.string()))),
    parameters: z.array(z.union([reference, parameter])).optional(),
    requestBody: z.strictObject({ required: z.literal(true), content }).optional(),
    responses: z.record(z.string().regex(/^[2345]\d\d$/), z.union([reference, response])),
  });
  const methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace", "x-query"];
  const whole = z.strictObject({
    openapi: z.string().regex(/^3\.1\.\d+$/),
    info: z.strictObject({
      title: z.string(),
      version: z.string(),
      summary: z.string(),
      description: z.string(),
      license: z.strictObject({ name: z.string(), identifier: z.string() }),
    }),
    servers: z.array(z.strictObject({ url: z.string(), description: z.string() })).min(1),
    tags: z.array(z.strictObject({ name: z.string(), description: z.string() })),
    paths: z.record(z.string().startsWith("/"), z.partialRecord(z.enum(methods), operation)),
    components: z.strictObject({
      securitySchemes: z.strictObject({
        bearer: z.strictObject({
          type: z.literal("http"),
          scheme: z.literal("bearer"),
          description: z.string(),
        }),
      }),
      parameters: z.record(z.string().regex(/^[\w.-]+$/), parameter),
      headers: z.record(z.string().regex(/^[\w.-]+$/), header),
      responses: z.record(z.string().regex(/^[\w.-]+$/), response),
      schemas: z.record(z.string().regex(/^[\w.-]+$/), schema),
    }),
    "x-atoll-problems": z.record(z.string(), schema),
  });

  test("has the members that the specification gives it", () => {
    expect(whole.safeParse(JSON.parse(openapiText())).error?.issues).toBeUndefined();
  });

  test("refers to nothing that is not there, and has nothing that nobody refers to", () => {
    const text = openapiText();
    const used = new Set([...text.matchAll(/"\$ref": "#\/([^"]+)"/g)].map(([, at = ""]) => at));
    const there = Object.entries(document.components)
      .filter(([kind]) => kind !== "securitySchemes")
      .flatMap(([kind, named]) => Object.keys(named).map((name) => `components/${kind}/${name}`));
    // Of refusals by the router and the forwarder, which no operation lists.
    const general = ["components/headers/Allow"];
    expect([...used].sort()).toEqual(there.filter((each) => !general.includes(each)).sort());
  });

  test("names operations once, and the parameters of each path", () => {
    const ids = described.map(({ operation: { operationId } }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { path, operation: each } of described) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const told = (each.parameters ?? []).flatMap((one) =>
        "in" in one && one.in === "path" ? [one.name] : [],
      );
      expect(told).toEqual(inPath);
    }
  });
});

describe("over HTTP", () => {
  const loopback = new Loopback();
  beforeAll(() =>
    loopback.open("public", { forwardTo: new Map([["us", new URL("http://10.0.0.2:7101")]]) }),
  );
  afterAll(() => loopback.close());

  test("JSON and YAML are the same document, and need not be sent twice", async () => {
    const json = await loopback.call("GET", "/v1/openapi.json");
    const yaml = await loopback.call("GET", "/v1/openapi.yaml");
    expect(json.text).toBe(openapiText());
    expect(yaml.headers["content-type"]).toBe("application/yaml");
    expect(parse(yaml.text)).toEqual(json.json());
    const again = { headers: { "If-None-Match": json.headers["etag"] } };
    expect((await loopback.call("GET", "/v1/openapi.json", again)).status).toBe(304);
  });

  test("the page names every operation and every problem, loads nothing, and is styled by its hash", async () => {
    const { headers, text } = await loopback.call("GET", "/v1/docs");
    expect(headers["content-type"]).toBe("text/html; charset=utf-8");
    const style = /<style>([\s\S]*?)<\/style>/.exec(text)?.[1] ?? "";
    expect(style).toBe(DOCS_STYLE);
    expect(headers["content-security-policy"]).toBe(
      `default-src 'none'; style-src 'sha256-${hash("sha256", style, "base64")}'; ` +
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    expect(text).not.toMatch(/<script|<link|<img|<iframe|\bsrc=|@import|url\(| style=| on\w+=/i);
    for (const { path, operation } of described) {
      expect(text).toContain(`id="${operation.operationId}"`);
      expect(text).toContain(`</span> ${path}<`);
    }
    for (const code of Object.keys(PROBLEMS)) expect(text).toContain(`<code>${code}</code>`);
  });

  test("the page shows markup as text", () => {
    const info = { ...document.info, title: '<script>alert("1")</script>' };
    const page = docsPage({ ...document, info });
    expect(page).not.toContain("<script");
    expect(page).toContain("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;");
  });

  test("regions are told with their endpoints, links and lag", async () => {
    const answer = await loopback.call("GET", "/v1/regions");
    expect(answer.json()).toEqual({
      region: "eu",
      regions: [
        { name: "eu", endpoint: null, link: "self", lagMs: 0 },
        { name: "us", endpoint: "http://10.0.0.2:7101", link: "live", lagMs: 120 },
      ],
    });
  });
});
