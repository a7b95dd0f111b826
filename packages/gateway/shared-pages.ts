/**
 * One page of the feed for everybody who is at the same place of it.
 *
 * Two hundred consumers that follow from the beginning ask for the same pages, one shortly after the other,
 * and to look up sixty profiles and spell them out for each anew is what healthy reads then wait for. A page
 * is kept as text for a moment. What it shows of a profile may be a moment old, and never older than its
 * event: whatever came since has an event of its own behind this page.
 */
import { limits } from "@atoll/core";
import type { Clock, Tenant } from "@atoll/core";
import type { Fields } from "./fields.ts";
import type { FeedFormat } from "./feed-format.ts";
import type { FeedService } from "./profile-service.ts";

export interface SharedPage {
  readonly text: string;
  /** Behind everything on this page. */
  readonly cursor: string;
  readonly more: boolean;
}

export interface PageAsked {
  readonly tenant: Tenant;
  readonly since: string | undefined;
  readonly limit: number;
  readonly withData: boolean;
}

interface Kept {
  readonly page: Promise<SharedPage>;
  readonly untilMs: number;
}

export class SharedPages {
  readonly #feed: FeedService;
  readonly #clock: Clock;
  readonly #fields: Fields | undefined;
  /** Oldest first. */
  readonly #kept = new Map<string, Kept>();

  /** `fields`: the members that may be seen; all when left away. */
  constructor(feed: FeedService, clock: Clock, fields?: Fields) {
    this.#feed = feed;
    this.#clock = clock;
    this.#fields = fields;
  }

  /** Rejects as the feed does. `now` is another place for everybody. */
  page(asked: PageAsked, format: FeedFormat): Promise<SharedPage> {
    if (asked.since === "now") return this.#read(asked, format);
    const { tenant, since, limit, withData } = asked;
    const key = [format.type, tenant, since, limit, withData].join(" ");
    const kept = this.#kept.get(key);
    const nowMs = this.#clock.monotonicMs();
    if (kept !== undefined && nowMs < kept.untilMs) return kept.page;
    this.#makeRoom(nowMs);
    const page = this.#read(asked, format);
    this.#kept.delete(key);
    this.#kept.set(key, { page, untilMs: nowMs + limits.FEED_SHARED_MS });
    const forget = (): void => void this.#kept.delete(key);
    // A page that leads nowhere would be read over and over by those who know that there is news.
    page.then(({ cursor }) => {
      if (cursor === since) forget();
    }, forget);
    return page;
  }

  async #read(asked: PageAsked, format: FeedFormat): Promise<SharedPage> {
    const { events, cursor, more } = await this.#feed.page(asked);
    return {
      text: events.map((event) => format.event(event, this.#fields)).join(""),
      cursor,
      more,
    };
  }

  #makeRoom(nowMs: number): void {
    for (const [key, { untilMs }] of this.#kept) {
      if (nowMs < untilMs && this.#kept.size < limits.FEED_SHARED_PAGES_MAX) return;
      this.#kept.delete(key);
    }
  }
}
