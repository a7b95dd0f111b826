/** `npm run openapi`: writes the descriptions that are checked in. A test says when that is due. */
import { writeFileSync } from "node:fs";
import { openapiText } from "./openapi.ts";

writeFileSync(new URL("./openapi.json", import.meta.url), openapiText("public"));
writeFileSync(new URL("./openapi-admin.json", import.meta.url), openapiText("admin"));
