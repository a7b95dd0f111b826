/**
 * Loading profiles: one PUT per line `{"id": …, "profile": {…}}`.
 *
 * A PUT says the desired state, so an import may be repeated after any failure and changes only what
 * differs. A bad line or a refused profile is told and counted, and does not stop the others. Two lines
 * with the same id are sent in the order of the file; lines with different ids in any.
 */
import type { Clock, ProfileId } from "@atoll/core";
import { limits, parseProfileId } from "@atoll/core";
import { KeyedTurns, forEachConcurrently } from "./concurrency.ts";
import type { HttpClient } from "./http-client.ts";
import { ConnectionError, parseJson, problemText } from "./http-client.ts";
import type { JsonLine } from "./json-lines.ts";
import type { RetryDeps } from "./retry.ts";
import { sendWithRetries } from "./retry.ts";

export interface ImportOptions {
  readonly lines: AsyncIterable<JsonLine>;
  readonly endpoint: string;
  readonly concurrency: number;
}

export interface ImportDeps extends RetryDeps {
  readonly client: Pick<HttpClient, "send">;
  readonly clock: Clock;
  /** After each line. */
  readonly onProgress: (soFar: ImportSummary) => void;
}

export interface ImportSummary {
  /** Lines that are done with, whatever became of them. */
  done: number;
  created: number;
  updated: number;
  failed: number;
  retries: number;
  seconds: number;
  /** The first failures, as `line 12: …`. */
  readonly faults: string[];
}

interface ProfileLine {
  readonly id: ProfileId;
  readonly body: string;
}

export async function importProfiles(
  { lines, endpoint, concurrency }: ImportOptions,
  deps: ImportDeps,
): Promise<ImportSummary> {
  const startMs = deps.clock.monotonicMs();
  const summary: ImportSummary = {
    done: 0,
    created: 0,
    updated: 0,
    failed: 0,
    retries: 0,
    seconds: 0,
    faults: [],
  };
  const turns = new KeyedTurns<ProfileId>();

  async function take({ number, text }: JsonLine): Promise<void> {
    const line = parseLine(text);
    if (typeof line === "string") fail(number, line);
    else await turns.take(line.id, () => put(number, line));
    summary.done++;
    summary.seconds = (deps.clock.monotonicMs() - startMs) / 1_000;
    deps.onProgress(summary);
  }

  async function put(number: number, { id, body }: ProfileLine): Promise<void> {
    try {
      const answer = await sendWithRetries(
        deps.client,
        {
          method: "PUT",
          url: `${endpoint}/v1/profiles/${encodeURIComponent(id)}`,
          headers: { "content-type": "application/json", prefer: "return=minimal" },
          body,
        },
        { ...deps, onRetry: () => summary.retries++ },
      );
      if (answer.status === 201) summary.created++;
      else if (answer.status === 200 || answer.status === 204) summary.updated++;
      else fail(number, `${id}: ${problemText(answer)}`);
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      fail(number, `${id}: ${error.message}`);
    }
  }

  function fail(number: number, reason: string): void {
    summary.failed++;
    if (summary.faults.length < limits.IMPORT_FAULTS_SHOWN) {
      summary.faults.push(`line ${number}: ${reason}`);
    }
  }

  await forEachConcurrently(lines, concurrency, take);
  return summary;
}

/** What is wrong with the line, when it cannot be sent. */
function parseLine(text: string): ProfileLine | string {
  const value = parseJson(text);
  if (value === undefined) return "not JSON";
  if (!isObject(value)) return 'expected {"id": …, "profile": {…}}';
  const { id, profile } = value;
  if (typeof id !== "string") return 'expected "id" to be a text';
  const parsed = parseProfileId(id);
  if (parsed === undefined) return `${JSON.stringify(id.slice(0, 140))} is not an id`;
  if (!isObject(profile)) return `${id}: expected "profile" to be an object`;
  return { id: parsed, body: JSON.stringify(profile) };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
