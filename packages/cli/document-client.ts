/** Asking a region about one document: the routes under `/admin/v1/documents`, typed. */
import { isAtollError } from "@atoll/core";
import type { DocumentContentReport, DocumentFactsReport, MergePreviewReport } from "@atoll/server";
import { documentContentReport, documentFactsReport, mergePreviewReport } from "@atoll/server";
import type { AdminClient } from "./admin-client.ts";
import { parseJson } from "./http-client.ts";
import { shaped } from "./shape.ts";

const CHANGES_TYPE = "application/vnd.automerge.changes";

export class DocumentClient {
  readonly #admin: AdminClient;

  constructor(admin: AdminClient) {
    this.#admin = admin;
  }

  /** Undefined when the region has never seen it, as for all that follow. */
  facts(docId: string): Promise<DocumentFactsReport | undefined> {
    return unlessAbsent(async () => {
      const { body } = await this.#admin.ask("GET", `/documents/${docId}`);
      return shaped(body, documentFactsReport);
    });
  }

  content(docId: string): Promise<DocumentContentReport | undefined> {
    return unlessAbsent(async () => {
      const { body } = await this.#admin.ask("GET", `/documents/${docId}/content`);
      return shaped(body, documentContentReport);
    });
  }

  changes(docId: string): Promise<Uint8Array | undefined> {
    return unlessAbsent(async () => {
      return (await this.#admin.askBytes("GET", `/documents/${docId}/changes`)).bytes;
    });
  }

  /** What this region would make of the changes of another one. */
  async preview(docId: string, theirs: Uint8Array): Promise<MergePreviewReport> {
    const sent = { type: CHANGES_TYPE, bytes: theirs };
    const path = `/documents/${docId}/merge-preview`;
    const { body } = await this.#admin.askBytes("POST", path, sent);
    return shaped(parseJson(body), mergePreviewReport);
  }
}

async function unlessAbsent<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (isAtollError(error) && error.code === "not-found") return undefined;
    throw error;
  }
}
