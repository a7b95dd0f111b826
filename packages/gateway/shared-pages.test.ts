import { beforeEach, expect, test } from "vitest";
import { AtollError, DEFAULT_TENANT, ManualClock, limits } from "@atoll/core";
import { NDJSON } from "./feed-format.ts";
import type { FeedPage, FeedService } from "./profile-service.ts";
import { SharedPages } from "./shared-pages.ts";

const clock = new ManualClock();
let reads: (string | undefined)[];
let answer: (since: string | undefined) => FeedPage;
let pages: SharedPages;

beforeEach(() => {
  reads = [];
  answer = (since) => ({ events: [], cursor: `${since ?? "0"}+`, more: true });
  const feed: FeedService = {
    page: ({ since }) => {
      reads.push(since);
      return Promise.resolve().then(() => answer(since));
    },
    changed: () => Promise.resolve(false),
    isClosed: false,
  };
  pages = new SharedPages(feed, clock);
});

function pageOf(since: string | undefined, withData = false) {
  return pages.page({ tenant: DEFAULT_TENANT, since, limit: 10, withData }, NDJSON);
}

test("a page is read once for all who are at its place, and for a moment only", async () => {
  const both = await Promise.all([pageOf(undefined), pageOf(undefined)]);
  expect(both[0]).toEqual({ text: "", cursor: "0+", more: true });
  expect(both[1]).toBe(both[0]);
  await pageOf("0+");
  expect(reads).toEqual([undefined, "0+"]);
  clock.advance(limits.FEED_SHARED_MS - 1);
  await pageOf("0+");
  expect(reads).toHaveLength(2);
  clock.advance(1);
  await pageOf("0+");
  expect(reads).toHaveLength(3);
});

test("who asks for something else is read for", async () => {
  await pageOf("a");
  await pageOf("a", true);
  await pages.page({ tenant: DEFAULT_TENANT, since: "a", limit: 11, withData: false }, NDJSON);
  expect(reads).toHaveLength(3);
});

test("the end of the feed is looked for again: what has come since must be seen", async () => {
  answer = (since) => ({ events: [], cursor: since ?? "", more: false });
  await pageOf("end");
  await pageOf("end");
  await pageOf("now");
  await pageOf("now");
  expect(reads).toHaveLength(4);
});

test("a fault is told to each, and not kept", async () => {
  answer = () => {
    throw new AtollError("cursor-expired", "too old");
  };
  await expect(Promise.all([pageOf("old"), pageOf("old")])).rejects.toThrow("too old");
  answer = (since) => ({ events: [], cursor: `${since}+`, more: true });
  await expect(pageOf("old")).resolves.toMatchObject({ cursor: "old+" });
  expect(reads).toHaveLength(2);
});

test("no more pages are kept than the bound says", async () => {
  const places = Array.from({ length: limits.FEED_SHARED_PAGES_MAX + 1 }, (_, i) => `p${i}`);
  for (const place of places) await pageOf(place);
  await pageOf(places.at(-1));
  expect(reads).toHaveLength(places.length);
  await pageOf(places[0]);
  expect(reads).toHaveLength(places.length + 1);
});
