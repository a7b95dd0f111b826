/**
 * `/v1/docs`: the description as a page for people, made of the document and of nothing else.
 *
 * One piece of HTML without a script, so that it opens where nothing may be loaded and can do nothing.
 * Every text of the document is escaped, in one place: `text`.
 */
import { must } from "@atoll/core";
import type { JsonObject, JsonValue } from "@atoll/profile";
import type {
  OpenapiContent,
  OpenapiDocument,
  OpenapiOperation,
  OpenapiParameter,
  OpenapiReference,
} from "./openapi-shape.ts";

export const DOCS_STYLE = `
:root { color-scheme: light dark; --line: #8884; --soft: #8882; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
code, pre { font: 0.875rem/1.45 ui-monospace, monospace; }
pre { background: var(--soft); padding: 0.75rem; overflow-x: auto; border-radius: 4px; }
h2 { margin-top: 3rem; border-bottom: 1px solid var(--line); }
h3 { margin-bottom: 0; }
article { margin: 2rem 0; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 0.25rem 0.75rem 0.25rem 0; }
tr { border-top: 1px solid var(--line); }
.method { display: inline-block; min-width: 4.5rem; font-weight: 700; }
.soft { opacity: 0.75; }
nav ul { list-style: none; padding: 0; columns: 2; }
summary { cursor: pointer; margin: 0.5rem 0; }
`;

export function docsPage(document: OpenapiDocument): string {
  const { info, tags } = document;
  const operations = operationsOf(document);
  const groups = tags.map(({ name, description }) => ({
    name,
    description,
    members: operations.filter(({ operation }) => operation.tags.includes(name)),
  }));
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${text(info.title)} API</title><style>${DOCS_STYLE}</style></head><body>`,
    `<h1>${text(info.title)} API</h1><p>${prose(info.summary)}. ${prose(info.description)}</p>`,
    '<p><a href="openapi.json">openapi.json</a> · <a href="openapi.yaml">openapi.yaml</a></p>',
    "<nav>",
    ...groups.map(
      ({ name, members }) => `<h4>${text(name)}</h4><ul>${members.map(entry).join("")}</ul>`,
    ),
    "</nav>",
    ...groups.map(
      ({ name, description, members }) =>
        `<h2>${text(name)}</h2><p>${prose(description)}</p>` +
        members.map((member) => article(document, member)).join(""),
    ),
    problemTable(document),
    schemaList(document),
    "</body></html>\n",
  ].join("\n");
}

interface Member {
  readonly method: string;
  readonly path: string;
  readonly operation: OpenapiOperation;
}

function operationsOf({ paths }: OpenapiDocument): Member[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      method: method.replace("x-", "").toUpperCase(),
      path,
      operation,
    })),
  );
}

function entry({ method, path, operation }: Member): string {
  const name = `<span class="method">${text(method)}</span> ${text(path)}`;
  return `<li><a href="#${text(operation.operationId)}"><code>${name}</code></a></li>`;
}

function article(document: OpenapiDocument, { method, path, operation }: Member): string {
  const { operationId, summary, description, parameters = [], requestBody, responses } = operation;
  const title = `<span class="method">${text(method)}</span> ${text(path)}`;
  return [
    `<article id="${text(operationId)}"><h3><code>${title}</code></h3>`,
    `<p>${prose(summary)}.<br><span class="soft">${prose(description)}</span></p>`,
    parameters.length === 0 ? "" : parameterTable(document, parameters),
    requestBody === undefined ? "" : `<h4>Body</h4>${contents(requestBody.content)}`,
    "<h4>Answers</h4><table>",
    ...Object.entries(responses).map(([status, each]) => {
      const response = resolved(document.components.responses, each);
      return (
        `<tr><th>${text(status)}</th><td>${prose(response.description)}` +
        (Number(status) < 300 ? headerNames(response.headers) + contents(response.content) : "") +
        "</td></tr>"
      );
    }),
    "</table></article>",
  ].join("\n");
}

function parameterTable(
  document: OpenapiDocument,
  parameters: readonly (OpenapiParameter | OpenapiReference)[],
): string {
  const rows = parameters.map((each) => {
    const {
      name,
      in: place,
      required,
      description = "",
      schema,
      example,
    } = resolved(document.components.parameters, each);
    const shown = example === undefined ? "" : ` <code>${text(shownValue(example))}</code>`;
    return (
      `<tr><th><code>${text(name)}</code></th><td>${text(place)}${required ? ", required" : ""}</td>` +
      `<td>${prose(description)} <span class="soft">${text(constraints(schema))}</span>${shown}</td></tr>`
    );
  });
  return `<h4>Parameters</h4><table>${rows.join("")}</table>`;
}

function resolved<T extends object>(
  components: Readonly<Record<string, T>>,
  each: T | OpenapiReference,
): T {
  if (!("$ref" in each)) return each;
  return must(components[each.$ref.split("/").at(-1) ?? ""], each.$ref);
}

/** A schema of one value in a few words. */
function constraints(schema: JsonObject): string {
  return Object.entries(schema)
    .map(([name, value]) => `${name}: ${shownValue(value)}`)
    .join("; ");
}

function headerNames(headers: Readonly<Record<string, OpenapiReference>>): string {
  const names = Object.keys(headers).map((name) => `<code>${text(name)}</code>`);
  return `<br><span class="soft">${names.join(", ")}</span>`;
}

function contents(content: OpenapiContent = {}): string {
  return Object.entries(content)
    .map(([type, { schema, example }]) => {
      const shown = example === undefined ? "" : `<pre>${text(shownValue(example, 2))}</pre>`;
      const described = `<details><summary>schema</summary><pre>${text(shownValue(schema, 2))}</pre></details>`;
      return `<p><code>${text(type)}</code></p>${shown}${described}`;
    })
    .join("");
}

function problemTable(document: OpenapiDocument): string {
  const rows = Object.entries(document["x-atoll-problems"]).map(
    ([code, { status, title }]) =>
      `<tr><th><code>${text(code)}</code></th><td>${text(shownValue(status ?? ""))}</td>` +
      `<td>${text(shownValue(title ?? ""))}</td></tr>`,
  );
  return `<h2>Problems</h2><table>${rows.join("")}</table>`;
}

function schemaList({ components }: OpenapiDocument): string {
  const schemas = Object.entries(components.schemas).map(
    ([name, schema]) =>
      `<h3 id="schema-${text(name)}">${text(name)}</h3><pre>${text(shownValue(schema, 2))}</pre>`,
  );
  return `<h2>Schemas</h2>${schemas.join("")}`;
}

function shownValue(value: JsonValue, indent?: number): string {
  return typeof value === "string" ? value : JSON.stringify(value, undefined, indent);
}

function text(value: string): string {
  return value
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/** Text with `code` in it. */
function prose(value: string): string {
  return text(value).replaceAll(/`([^`]+)`/g, "<code>$1</code>");
}
