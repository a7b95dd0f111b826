/** `npm run openapi`: writes the description that is checked in. A test says when that is due. */
import { writeFileSync } from "node:fs";
import { openapiText } from "./openapi.ts";

writeFileSync(new URL("./openapi.json", import.meta.url), openapiText());
