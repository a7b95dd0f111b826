/** `/v1/schema`: the same for as long as the process lives, so it is written and named once. */
import { hash } from "node:crypto";
import type { Express, Request } from "express";
import { schemaVersions } from "@atoll/profile";
import { send, sendCoded } from "./answer.ts";
import type { Reply } from "./answer.ts";
import { mountOperations } from "./contract-routes.ts";
import { getSchema, getSchemaVersions } from "./contract/schema.ts";
import { JSON_TYPE, SCHEMA_TYPE } from "./media-type.ts";
import type { SchemaService } from "./profile-service.ts";
import { readCondition } from "./validators.ts";

const TAG_CHARS = 22;

export function mountSchemaRoutes(app: Express, schema: SchemaService): void {
  const body = JSON.stringify(schema.source, undefined, 2);
  const etag = hash("sha256", body, "base64url").slice(0, TAG_CHARS);
  const headers = { ETag: `"${etag}"`, "Cache-Control": "no-cache", Vary: "Accept-Encoding" };

  function get(request: Request, reply: Reply): void | Promise<void> {
    if (readCondition(request.headers)(etag) === "not-modified") return send(reply, 304, headers);
    return sendCoded(reply, 200, { "Content-Type": SCHEMA_TYPE, ...headers }, body);
  }

  const all = schemaVersions(schema.source);
  const items = all.map((each, i) => ({ ...each, current: i === all.length - 1 }));
  const versionsBody = JSON.stringify({ items });

  function versions(_request: Request, reply: Reply): void | Promise<void> {
    return sendCoded(reply, 200, { "Content-Type": JSON_TYPE, ...headers }, versionsBody);
  }

  mountOperations(app, [
    [getSchema, get],
    [getSchemaVersions, versions],
  ]);
}
