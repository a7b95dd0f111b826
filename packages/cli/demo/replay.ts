/**
 * Sending planned edits, as their editors' clients would.
 *
 * Each editor has one session: every write carries the token of the answer before. Nobody waits for
 * replication. A patch of a profile that its region has not heard of yet is sent again as an upsert,
 * because the editor had it on the screen: in another region.
 */
import type { OutgoingHttpHeaders } from "node:http";
import type { Random } from "@atoll/core";
import { delay, limits, must } from "@atoll/core";
import { KeyedTurns, forEachConcurrently } from "../concurrency.ts";
import type { HttpAnswer, HttpClient, HttpRequest } from "../http-client.ts";
import { ConnectionError, problemText } from "../http-client.ts";
import { sendWithRetries } from "../retry.ts";
import type { Edit } from "./edit.ts";
import type { Batch } from "./replay-plan.ts";

export interface ReplayCounts {
  readonly writesByRegion: Map<string, number>;
  /** Patches that were sent again as an upsert. */
  upserts: number;
  refused: number;
  /** The first reasons. */
  readonly refusals: string[];
}

export interface ReplayerOptions {
  readonly client: Pick<HttpClient, "send">;
  readonly random: Random;
  readonly restByRegion: ReadonlyMap<string, string>;
  /** After each edit. */
  readonly onWrite: () => void;
}

export class Replayer {
  readonly #options: ReplayerOptions;
  readonly #tokenByEditor = new Map<number, string>();

  constructor(options: ReplayerOptions) {
    this.#options = options;
  }

  /** All regions at once, each in the order of its batches. */
  async replay(batchesByRegion: ReadonlyMap<string, readonly Batch[]>): Promise<ReplayCounts> {
    const counts: ReplayCounts = {
      writesByRegion: new Map([...batchesByRegion.keys()].map((region) => [region, 0])),
      upserts: 0,
      refused: 0,
      refusals: [],
    };
    await Promise.all(
      [...batchesByRegion].map(async ([region, batches]) => {
        for (const batch of batches) await this.#replayBatch(region, batch, counts);
      }),
    );
    return counts;
  }

  async #replayBatch(region: string, batch: Batch, counts: ReplayCounts): Promise<void> {
    const turns = new KeyedTurns<string>();
    await forEachConcurrently(batch, limits.DEMO_BATCH_CONCURRENCY, (edit) =>
      turns.take(edit.id, async () => {
        await this.#write(region, edit, counts);
        this.#options.onWrite();
      }),
    );
  }

  async #write(region: string, edit: Edit, counts: ReplayCounts): Promise<void> {
    try {
      let answer = await this.#send(region, edit, { upsert: false });
      if (answer.status === 404 && edit.op === "patch") {
        counts.upserts++;
        answer = await this.#send(region, edit, { upsert: true });
      }
      if (answer.status >= 200 && answer.status < 300) {
        counts.writesByRegion.set(region, (counts.writesByRegion.get(region) ?? 0) + 1);
      } else refuse(counts, region, edit, problemText(answer));
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      refuse(counts, region, edit, error.message);
    }
  }

  async #send(
    region: string,
    edit: Edit,
    { upsert }: { readonly upsert: boolean },
  ): Promise<HttpAnswer> {
    const { client, random, restByRegion } = this.#options;
    const origin = must(restByRegion.get(region), `the address of ${region}`);
    const token = this.#tokenByEditor.get(edit.editor);
    const answer = await sendWithRetries(client, requestOf(origin, edit, token, upsert), {
      random,
      wait: delay,
    });
    const next = answer.headers["session-token"];
    if (typeof next === "string") this.#tokenByEditor.set(edit.editor, next);
    return answer;
  }
}

const METHOD_BY_OP = { put: "PUT", patch: "PATCH", delete: "DELETE" } as const;
const TYPE_BY_OP = { put: "application/json", patch: "application/merge-patch+json" } as const;

export function requestOf(
  origin: string,
  edit: Edit,
  sessionToken: string | undefined,
  upsert: boolean,
): HttpRequest {
  const headers: OutgoingHttpHeaders = { prefer: "return=minimal" };
  if (edit.op !== "delete") headers["content-type"] = TYPE_BY_OP[edit.op];
  if (sessionToken !== undefined) headers["session-token"] = sessionToken;
  return {
    method: METHOD_BY_OP[edit.op],
    url: `${origin}/v1/profiles/${encodeURIComponent(edit.id)}${upsert ? "?upsert=true" : ""}`,
    headers,
    ...(edit.body !== undefined && { body: edit.body }),
  };
}

function refuse(counts: ReplayCounts, region: string, edit: Edit, reason: string): void {
  counts.refused++;
  if (counts.refusals.length >= limits.IMPORT_FAULTS_SHOWN) return;
  counts.refusals.push(`${region}: ${edit.op} ${edit.id}: ${reason}`);
}
