/** What every store must do with answers that are kept for those who ask twice. */
import { describe, expect, test } from "vitest";
import type { Store } from "./store.ts";
import { digest, plain, sampleAnswer } from "./store-samples.ts";
import { inTransaction } from "./store-writes.ts";

export function answersConformance(get: () => Store): void {
  describe("kept answers", () => {
    test("one is found by its key alone, and the last one counts", () => {
      const store = get();
      inTransaction(store, () => {
        store.keepAnswer(sampleAnswer(1));
        store.keepAnswer(sampleAnswer(2));
        store.keepAnswer(sampleAnswer(1, { outcome: "again", fingerprint: digest("other") }));
      });
      const found = store.readAnswer(sampleAnswer(1).key);
      const again = sampleAnswer(1, { outcome: "again", fingerprint: digest("other") });
      expect(plain(found)).toEqual(plain(again));
      expect(store.readAnswer(digest("key 3"))).toBeUndefined();
      expect(store.countAnswers()).toBe(2);
    });

    test("the oldest are forgotten first, no more than asked for", () => {
      const store = get();
      inTransaction(store, () => {
        for (const n of [3, 1, 2]) store.keepAnswer(sampleAnswer(n));
      });
      const left = (): number[] =>
        [1, 2, 3].filter((n) => store.readAnswer(sampleAnswer(n).key) !== undefined);
      expect(inTransaction(store, () => store.forgetAnswers(sampleAnswer(3).atMs, 1))).toBe(1);
      expect(left()).toEqual([2, 3]);
      expect(inTransaction(store, () => store.forgetAnswers(sampleAnswer(3).atMs, 9))).toBe(1);
      expect(left()).toEqual([3]);
      expect(inTransaction(store, () => store.forgetAnswers(sampleAnswer(3).atMs, 9))).toBe(0);
    });

    test("keys and fingerprints have 32 bytes", () => {
      const store = get();
      store.begin();
      for (const wrong of [{ key: digest(1).slice(1) }, { fingerprint: new Uint8Array() }]) {
        expect(() => store.keepAnswer(sampleAnswer(1, wrong))).toThrow();
      }
      store.rollback();
    });
  });
}
