/** The pages that there are: every Markdown file of this directory but its README. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "./page.ts";
import { parsePage } from "./page.ts";

export const RUNBOOKS = import.meta.dirname;

export function readPages(): Page[] {
  return readdirSync(RUNBOOKS)
    .filter((file) => file.endsWith(".md") && file !== "README.md")
    .sort()
    .map((file) => parsePage(file.slice(0, -3), readFileSync(join(RUNBOOKS, file), "utf8")));
}
