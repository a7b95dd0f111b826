/** A change feed of a list, for tests of routes: cursors are its positions. */
import { AtollError } from "@atoll/core";
import type { ProfileId } from "@atoll/core";
import type { ChangeEvent, FeedPage, FeedService } from "./profile-service.ts";

export class FakeFeed implements FeedService {
  readonly events: ChangeEvent[] = [];
  isClosed = false;
  /** Cursors below this one are too old. */
  trimmedTo = 0;
  /** Pages asked for. */
  pages = 0;
  readonly #wakes = new Set<() => void>();

  append(id: string, json = "{}", kind: ChangeEvent["kind"] = "change"): void {
    const writtenAtMs = 1_700_000_000_000 + this.events.length;
    const common = { region: "eu", etag: `tag-${this.events.length}`, hasConflicts: false };
    const cursor = String(this.events.length + 1);
    this.events.push({ cursor, kind, id: id as ProfileId, writtenAtMs, json, ...common });
    this.#wake();
  }

  close(): void {
    this.isClosed = true;
    this.#wake();
  }

  page({ since, limit, withData }: Parameters<FeedService["page"]>[0]): Promise<FeedPage> {
    this.pages++;
    const after = since === "now" ? this.events.length : Number(since ?? "0");
    if (!Number.isInteger(after)) {
      return Promise.reject(new AtollError("malformed-request", "this is not a cursor"));
    }
    if (after < this.trimmedTo) {
      const cursor = String(this.events.length);
      return Promise.reject(new AtollError("cursor-expired", "too old", { cursor }));
    }
    const events = this.events
      .slice(after, after + limit)
      .map(({ json, ...event }) => ({ ...event, ...(withData && { json }) }));
    const end = after + events.length;
    return Promise.resolve({ events, cursor: String(end), more: end < this.events.length });
  }

  changed(cursor: string, _waitMs: number, signal: AbortSignal): Promise<boolean> {
    if (this.events.length > Number(cursor)) return Promise.resolve(true);
    if (this.isClosed) return Promise.resolve(false);
    return new Promise((resolve, reject) => {
      const wake = (): void => {
        this.#wakes.delete(wake);
        resolve(!this.isClosed);
      };
      this.#wakes.add(wake);
      signal.addEventListener("abort", () => {
        this.#wakes.delete(wake);
        reject(signal.reason as Error);
      });
    });
  }

  get waiting(): number {
    return this.#wakes.size;
  }

  #wake(): void {
    for (const wake of [...this.#wakes]) wake();
  }
}
