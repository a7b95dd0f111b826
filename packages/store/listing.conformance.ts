/** What every store must do with listings of profiles. */
import { describe, expect, test } from "vitest";
import type { ProfileId, Tenant } from "@atoll/core";
import { DEFAULT_TENANT, HLC_ZERO, mustHlc } from "@atoll/core";
import type { ListedProfile, Store } from "./store.ts";
import { sampleDocument } from "./store-samples.ts";
import { inTransaction } from "./store-writes.ts";

const id = (text: string): ProfileId => text as ProfileId;

export function listingConformance(get: () => Store): void {
  describe("listings of profiles", () => {
    const ids = (listed: readonly ListedProfile[]): string[] =>
      listed.map(({ profileId }) => profileId);

    function fill(store: Store): void {
      inTransaction(store, () => {
        const rows = ["b", "a", "Z", "a1", "z~"].map((name, n) =>
          sampleDocument(n, { profileId: id(name), updatedHlc: mustHlc(100 - n) }),
        );
        for (const row of rows) store.writeDocument(row);
        store.writeDocument(sampleDocument(6, { profileId: id("gone"), deleted: true }));
        store.writeDocument(sampleDocument(7, { profileId: undefined, dirty: true }));
      });
    }

    test("by id, in order of bytes, page by page, without the deleted and the unknown", () => {
      const store = get();
      fill(store);
      expect(ids(store.listProfiles({ tenant: DEFAULT_TENANT, order: "id", limit: 9 }))).toEqual([
        "Z",
        "a",
        "a1",
        "b",
        "z~",
      ]);
      expect(
        ids(store.listProfiles({ tenant: DEFAULT_TENANT, order: "id", limit: 2, after: id("a") })),
      ).toEqual(["a1", "b"]);
      expect(
        store.listProfiles({ tenant: DEFAULT_TENANT, order: "id", limit: 2, after: id("z~") }),
      ).toEqual([]);
    });

    test("of one tenant alone, in either order", () => {
      const store = get();
      fill(store);
      inTransaction(store, () => {
        for (const [n, name] of ["acme/b", "acme/a", "acme-2/a", "zoo/a"].entries()) {
          const row = { profileId: id(name), updatedHlc: mustHlc(50 - n) };
          store.writeDocument(sampleDocument(30 + n, row));
        }
      });
      const acme = "acme" as Tenant;
      expect(ids(store.listProfiles({ tenant: acme, order: "id", limit: 9 }))).toEqual([
        "acme/a",
        "acme/b",
      ]);
      const after = id("acme/a");
      const rest = store.listProfiles({ tenant: acme, order: "id", limit: 9, after });
      expect(ids(rest)).toEqual(["acme/b"]);
      const since = HLC_ZERO;
      const updated = store.listProfiles({ tenant: acme, order: "updated", since, limit: 9 });
      expect(ids(updated)).toEqual(["acme/a", "acme/b"]);
      const own = { tenant: DEFAULT_TENANT, limit: 99 };
      expect(store.listProfiles({ ...own, order: "id" })).toHaveLength(5);
      expect(store.listProfiles({ ...own, order: "updated", since })).toHaveLength(5);
      const counted = [DEFAULT_TENANT, acme, "acme-2", "nobody"].map((tenant) =>
        store.countProfiles(tenant as Tenant),
      );
      expect(counted).toEqual([5, 2, 1, 0]);
    });

    test("by update, from a timestamp on, documents of one timestamp in order", () => {
      const store = get();
      fill(store);
      const list = (since: number, limit: number, after?: ListedProfile): ListedProfile[] =>
        store.listProfiles({
          tenant: DEFAULT_TENANT,
          order: "updated",
          since: mustHlc(since),
          limit,
          after: after?.docId,
        });
      expect(ids(list(HLC_ZERO, 9))).toEqual(["z~", "a1", "Z", "a", "b"]);
      expect(ids(list(98, 9))).toEqual(["Z", "a", "b"]);
      inTransaction(store, () => {
        for (const [n, name] of ["p", "q", "r"].entries()) {
          const same = { profileId: id(name), updatedHlc: mustHlc(500) };
          store.writeDocument(sampleDocument(20 + n, same));
        }
      });
      const all = list(500, 9);
      expect(ids(all).sort()).toEqual(["p", "q", "r"]);
      expect(list(500, 9, all[0])).toEqual(all.slice(1));
      expect(list(500, 9, all[2])).toEqual([]);
    });

    test("see what the open transaction writes, and follow a profile that changes", () => {
      const store = get();
      fill(store);
      store.begin();
      store.writeDocument(sampleDocument(0, { profileId: id("b"), updatedHlc: mustHlc(101) }));
      store.writeDocument(sampleDocument(1, { profileId: id("a"), deleted: true }));
      const listed = store.listProfiles({
        tenant: DEFAULT_TENANT,
        order: "updated",
        since: HLC_ZERO,
        limit: 9,
      });
      expect(ids(listed)).toEqual(["z~", "a1", "Z", "b"]);
      store.rollback();
      expect(
        ids(store.listProfiles({ tenant: DEFAULT_TENANT, order: "id", limit: 9 })),
      ).toHaveLength(5);
    });
  });
}
