/**
 * `/v1/openapi.json`, `/v1/openapi.yaml`, `/v1/docs`: one description in three forms.
 *
 * They are written when somebody first asks: a region that starts has other things to do. The page has no
 * script and loads nothing; its one style is allowed by its hash.
 */
import type { OutgoingHttpHeaders } from "node:http";
import type { Express, Request } from "express";
import { hash } from "node:crypto";
import { stringify } from "yaml";
import { send, sendCoded } from "./answer.ts";
import type { Handler, Reply } from "./answer.ts";
import { mountOperations } from "./contract-routes.ts";
import {
  HTML_TYPE,
  OPENAPI_YAML_TYPE,
  getDocs,
  getOpenapiJson,
  getOpenapiYaml,
} from "./contract/documentation.ts";
import { DOCS_STYLE, docsPage } from "./docs-page.ts";
import { JSON_TYPE } from "./media-type.ts";
import { openapiDocument, openapiText } from "./openapi.ts";
import { readCondition } from "./validators.ts";

const TAG_CHARS = 22;

const PAGE_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${hash("sha256", DOCS_STYLE, "base64")}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

export function mountDocumentationRoutes(app: Express): void {
  mountOperations(app, [
    [getOpenapiJson, serving(openapiText, { "Content-Type": JSON_TYPE })],
    [getOpenapiYaml, serving(yamlText, { "Content-Type": OPENAPI_YAML_TYPE })],
    [
      getDocs,
      serving(() => docsPage(openapiDocument()), {
        "Content-Type": `${HTML_TYPE}; charset=utf-8`,
        "Content-Security-Policy": PAGE_POLICY,
      }),
    ],
  ]);
}

function yamlText(): string {
  return stringify(openapiDocument(), { aliasDuplicateObjects: false });
}

function serving(write: () => string, typed: OutgoingHttpHeaders): Handler {
  let written: { readonly text: string; readonly etag: string } | undefined;
  return (request: Request, reply: Reply): void | Promise<void> => {
    if (written === undefined) {
      const text = write();
      written = { text, etag: hash("sha256", text, "base64url").slice(0, TAG_CHARS) };
    }
    const { text, etag } = written;
    const headers = { ETag: `"${etag}"`, "Cache-Control": "no-cache", Vary: "Accept-Encoding" };
    if (readCondition(request.headers)(etag) === "not-modified") return send(reply, 304, headers);
    return sendCoded(reply, 200, { ...headers, ...typed }, text);
  };
}
