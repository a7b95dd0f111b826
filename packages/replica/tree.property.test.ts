// The tree against plain addition: whatever was accounted, in whatever depth it is kept, every node is the
// sum of the documents under it, before and after a restart, a rollback and a new division.
import { expect, test } from "vitest";
import fc from "fast-check";
import type { DocId, TreeNode } from "@atoll/core";
import {
  SUM_ZERO,
  addSums,
  childrenOf,
  elementOf,
  limits,
  mustChangeHash,
  mustDocId,
  mustHlc,
  nodeRange,
  positionOf,
  shardOf,
  toHex,
} from "@atoll/core";
import type { DocumentPlace } from "@atoll/store";
import { MemoryStore } from "@atoll/store";
import { testCluster } from "./fleet.fixture.ts";
import type { Account } from "./tree.ts";
import { Tree, depthFor } from "./tree.ts";

const cluster = testCluster(4);

interface Model extends DocumentPlace, Account {}

class Accounts {
  readonly store = new MemoryStore();
  readonly tree = new Tree(this.store, cluster);
  readonly documents = new Map<number, Model>();
  #made = 0;

  /** One more change of document `n`. */
  change(n: number): void {
    const docId = docIdOf(n);
    const position = positionOf(cluster.keys, docId);
    const shard = shardOf(position, cluster.shardCount);
    const before = this.documents.get(n);
    const hash = mustChangeHash(new Uint8Array(32).fill(this.#made++ % 251, 0, 20).fill(n, 20));
    const sum = addSums(before?.sum ?? SUM_ZERO, elementOf(cluster.keys, docId, hash));
    const after = {
      docId,
      position,
      shard,
      documents: 1,
      changes: (before?.changes ?? 0) + 1,
      sum,
    };
    this.documents.set(n, after);
    this.store.writeDocument({
      docId,
      position,
      shard,
      profileId: undefined,
      deleted: false,
      quarantined: false,
      dirty: true,
      heads: new Uint8Array(32),
      changeCount: after.changes,
      sum,
      dep: new Map(),
      createdHlc: mustHlc(0),
      updatedHlc: mustHlc(0),
      conflicts: 0,
      view: undefined,
    });
    this.tree.account(after, {
      documents: before === undefined ? 1 : 0,
      changes: 1,
      before: before?.sum ?? SUM_ZERO,
      after: sum,
    });
  }

  expectNode(node: TreeNode, tree = this.tree): void {
    expect(plain(tree.node(node)), `node ${node.depth} ${node.index}`).toEqual(
      plain(sumUnder(node, this.documents.values())),
    );
  }

  expectEverywhere(nodes: readonly TreeNode[], tree = this.tree): void {
    expect(plain(tree.root)).toEqual(
      plain(sumUnder({ depth: 0, index: 0 }, this.documents.values())),
    );
    for (const node of nodes) {
      this.expectNode(node, tree);
      for (const fanBits of [1, 4, 6]) {
        const expected = childrenOf(node, fanBits).map((child) =>
          plain(sumUnder(child, this.documents.values())),
        );
        expect(tree.children(node, fanBits).map(plain)).toEqual(expected);
      }
    }
  }
}

const nodes = fc.integer({ min: 0, max: 14 }).chain((depth) =>
  fc.record({
    depth: fc.constant(depth),
    index: fc.nat(2 ** depth - 1),
  }),
);
const histories = fc.array(fc.array(fc.nat(200), { maxLength: 60 }), { maxLength: 4 });

test("every node at any depth is the sum of what lies under it, also after a restart", () => {
  fc.assert(
    fc.property(histories, fc.array(nodes, { maxLength: 6 }), (groups, asked) => {
      const accounts = new Accounts();
      for (const group of groups) {
        accounts.store.begin();
        for (const n of group) accounts.change(n);
        accounts.expectEverywhere(asked); // within the open transaction as well
        accounts.tree.write();
        accounts.store.commit();
      }
      accounts.expectEverywhere(asked, new Tree(accounts.store, cluster));
    }),
    { numRuns: 60 },
  );
});

test("a group that is rolled back leaves every node as it was", () => {
  fc.assert(
    fc.property(histories, fc.array(nodes, { maxLength: 3 }), (groups, asked) => {
      const accounts = new Accounts();
      accounts.store.begin();
      for (const n of groups[0] ?? []) accounts.change(n);
      accounts.tree.write();
      accounts.store.commit();
      const kept = new Map(accounts.documents);
      accounts.store.begin();
      for (const n of groups.slice(1).flat()) accounts.change(n);
      accounts.tree.write();
      accounts.store.rollback();
      accounts.tree.reload();
      accounts.documents.clear();
      for (const [n, document] of kept) accounts.documents.set(n, document);
      accounts.expectEverywhere(asked);
    }),
    { numRuns: 40 },
  );
});

test("crowded shards are divided anew, and no sum notices", () => {
  const accounts = new Accounts();
  const room = 2 ** limits.BUCKET_BITS_MIN * limits.BUCKET_DOCUMENTS * 2;
  const count = room * cluster.shardCount + 400;
  const asked = [0, 2, 5, 7, 9].map((depth) => ({ depth, index: 2 ** depth - 1 }));
  accounts.store.begin();
  for (let n = 0; n < count; n++) accounts.change(n);
  expect(accounts.tree.isCrowded).toBe(true);
  let divisions = 0;
  for (; accounts.tree.isCrowded; divisions++) accounts.tree.deepen();
  expect(divisions).toBeGreaterThan(0);
  accounts.expectEverywhere(asked);
  for (let n = 0; n < 500; n++) accounts.change(n * 3);
  accounts.tree.write();
  accounts.store.commit();
  const depths = accounts.store.readBuckets().map(({ bucket }) => Math.floor(Math.log2(bucket)));
  expect(Math.max(...depths)).toBe(limits.BUCKET_BITS_MIN + 2);
  const reopened = new Tree(accounts.store, cluster);
  accounts.expectEverywhere(asked, reopened);
  expect(reopened.isCrowded).toBe(false);
});

test("a bucket that was changed behind the tree's back is counted again", () => {
  const accounts = new Accounts();
  accounts.store.begin();
  for (let n = 0; n < 50; n++) accounts.change(n);
  accounts.tree.write();
  const [row] = accounts.store.readBuckets();
  if (row === undefined) throw new Error("no bucket");
  accounts.store.writeBucket({ ...row, sum: new Uint8Array(32).fill(9) });
  accounts.store.commit();
  const damaged = new Tree(accounts.store, cluster);
  accounts.store.begin();
  const wrong = [0, 1, 2, 3].filter((shard) => damaged.recountShard(shard));
  expect(wrong).toEqual([row.shard]);
  accounts.expectEverywhere([{ depth: 3, index: 1 }], damaged);
  damaged.write();
  accounts.store.commit();
  accounts.expectEverywhere([{ depth: 3, index: 1 }], new Tree(accounts.store, cluster));
});

test.each([
  { what: "of a shard that there is none of", moved: { shard: 8193 } },
  { what: "that divides its shard otherwise", moved: { bucket: 2 ** 9 } },
  { what: "that is no bucket", moved: { bucket: 0 } },
  { what: "whose number a flipped bit made huge", moved: { bucket: 2 ** 52 } },
])("a stored bucket $what is nobody's, and its shard is counted again", ({ moved }) => {
  const accounts = new Accounts();
  accounts.store.begin();
  for (let n = 0; n < 50; n++) accounts.change(n);
  accounts.tree.write();
  const [row, ...others] = accounts.store.readBuckets();
  if (row === undefined) throw new Error("no bucket");
  accounts.store.scrub.clearBuckets();
  for (const other of [{ ...row, ...moved }, ...others]) accounts.store.writeBucket(other);
  accounts.store.commit();
  const damaged = new Tree(accounts.store, cluster);
  accounts.expectEverywhere([{ depth: 3, index: 1 }], damaged);
  damaged.reload(); // after a group that failed it still is not what is stored
  accounts.expectEverywhere([{ depth: 3, index: 1 }], damaged);
});

test("a shard is divided by its documents, within bounds", () => {
  expect(depthFor(0)).toBe(limits.BUCKET_BITS_MIN);
  expect(depthFor(limits.BUCKET_DOCUMENTS * 2 ** 9)).toBe(9);
  expect(depthFor(limits.BUCKET_DOCUMENTS * 2 ** 9 + 1)).toBe(10);
  expect(depthFor(2 ** 40)).toBe(limits.BUCKET_BITS_MAX);
});

function sumUnder(node: TreeNode, documents: Iterable<Model>): Account {
  const { from, to } = nodeRange(node);
  let account: Account = { documents: 0, changes: 0, sum: SUM_ZERO };
  for (const { position, changes, sum } of documents) {
    if (position < from || position >= to) continue;
    account = {
      documents: account.documents + 1,
      changes: account.changes + changes,
      sum: addSums(account.sum, sum),
    };
  }
  return account;
}

function plain({ documents, changes, sum }: Account): unknown {
  return { documents, changes, sum: toHex(sum) };
}

function docIdOf(n: number): DocId {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt32BE(n, 4);
  return mustDocId(new Uint8Array(bytes));
}
