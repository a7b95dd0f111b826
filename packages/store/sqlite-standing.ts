/**
 * Where the replica stands, in SQLite: its identity, its frontier, what it covers, and the stored level
 * of its tree.
 *
 * The gaps of a lane are one value in its row, not rows of their own: they are few, they are always
 * read and written together, and the usual lane, which has none, costs one statement per write.
 *
 *     gaps   NULL, or count varint, then (lo varint, hi − lo varint) each, ascending
 */
import type { Hlc, Lane, LaneFrontier, RegionCode, RegionVector, SeqRange } from "@atoll/core";
import { ByteReader, ByteStreamError, ByteWriter, parseRegionCode } from "@atoll/core";
import type { BucketRow, FrontierRow, StoredIdentity } from "./store.ts";
import type { SqlValue, SqliteConnection } from "./sqlite-connection.ts";
import {
  assertBucket,
  assertCount,
  assertCoverage,
  assertFrontier,
  assertIdentity,
} from "./admissible.ts";
import { hlcOfColumn, originOfColumn, sumOfColumn } from "./sqlite-columns.ts";

interface IdentityColumns {
  readonly cluster_id: string;
  readonly region: string;
  readonly shard_count: number;
  readonly genesis_hash: Uint8Array;
  readonly incarnation: number;
  readonly origin: number;
  readonly actor: Uint8Array;
  readonly clean_stop: number;
  readonly announced: number;
}

interface FrontierColumns {
  readonly shard: number;
  readonly origin: number;
  readonly contig: number;
  readonly max: number;
  readonly gaps: Uint8Array | null;
}

export class SqliteStanding {
  readonly #readIdentity;
  readonly #writeIdentity;
  readonly #readFrontier;
  readonly #writeFrontier;
  readonly #readBuckets;
  readonly #writeBucket;
  readonly #clearBuckets;
  readonly #readCoverage;
  readonly #writeCoverage;
  readonly #clearCoverage;

  constructor(connection: SqliteConnection) {
    this.#readIdentity = connection.reader<[], IdentityColumns, StoredIdentity>(
      "SELECT * FROM identity",
      identityOfColumns,
    );
    this.#writeIdentity = connection.writer<SqlValue[]>(
      `INSERT OR REPLACE INTO identity (one, cluster_id, region, shard_count, genesis_hash,
         incarnation, origin, actor, clean_stop, announced)
       VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#readFrontier = connection.reader<[], FrontierColumns, FrontierRow>(
      "SELECT shard, origin, contig, max, gaps FROM frontier ORDER BY shard, origin",
      frontierOfColumns,
    );
    this.#writeFrontier = connection.writer<SqlValue[]>(
      `INSERT INTO frontier (shard, origin, contig, max, gaps) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (shard, origin) DO UPDATE
       SET contig = excluded.contig, max = excluded.max, gaps = excluded.gaps`,
    );
    this.#readBuckets = connection.reader<[], BucketRow, BucketRow>(
      "SELECT shard, bucket, documents, changes, sum FROM bucket ORDER BY shard, bucket",
      (row) => ({ ...row, sum: sumOfColumn(row.sum) }),
    );
    this.#writeBucket = connection.writer<SqlValue[]>(
      `INSERT INTO bucket (shard, bucket, documents, changes, sum) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (shard, bucket) DO UPDATE
       SET documents = excluded.documents, changes = excluded.changes, sum = excluded.sum`,
    );
    this.#clearBuckets = connection.writer<[shard: number]>("DELETE FROM bucket WHERE shard = ?");
    this.#readCoverage = connection.reader<
      [],
      { region: number; hlc: number },
      readonly [RegionCode, Hlc]
    >("SELECT region, hlc FROM coverage ORDER BY region", (row) => [
      regionOfColumn(row.region),
      hlcOfColumn(row.hlc),
    ]);
    this.#writeCoverage = connection.writer<[region: number, hlc: number]>(
      `INSERT INTO coverage (region, hlc) VALUES (?, ?)
       ON CONFLICT (region) DO UPDATE SET hlc = excluded.hlc`,
    );
    this.#clearCoverage = connection.writer<[]>("DELETE FROM coverage");
  }

  readIdentity(): StoredIdentity | undefined {
    return this.#readIdentity.get();
  }

  writeIdentity(identity: StoredIdentity): void {
    assertIdentity(identity);
    this.#writeIdentity.run(
      identity.clusterId,
      identity.region,
      identity.shardCount,
      identity.genesisHash,
      identity.incarnation,
      identity.origin,
      identity.actor,
      Number(identity.cleanStop),
      identity.announced,
    );
  }

  readFrontier(): FrontierRow[] {
    return this.#readFrontier.all();
  }

  writeFrontier(lane: Lane, frontier: LaneFrontier): void {
    assertFrontier(lane, frontier);
    const gaps = frontier.gaps.length === 0 ? null : gapsToBytes(frontier.gaps);
    this.#writeFrontier.run(lane.shard, lane.origin, frontier.contig, frontier.max, gaps);
  }

  readBuckets(): BucketRow[] {
    return this.#readBuckets.all();
  }

  writeBucket(row: BucketRow): void {
    assertBucket(row);
    this.#writeBucket.run(row.shard, row.bucket, row.documents, row.changes, row.sum);
  }

  clearBuckets(shard: number): void {
    assertCount(shard, "shard");
    this.#clearBuckets.run(shard);
  }

  readCoverage(): RegionVector {
    return new Map(this.#readCoverage.all());
  }

  clearCoverage(): void {
    this.#clearCoverage.run();
  }

  writeCoverage(coverage: RegionVector): void {
    assertCoverage(coverage);
    for (const [region, hlc] of coverage) this.#writeCoverage.run(region, hlc);
  }
}

function identityOfColumns(row: IdentityColumns): StoredIdentity {
  return {
    clusterId: row.cluster_id,
    region: row.region,
    shardCount: row.shard_count,
    genesisHash: row.genesis_hash,
    incarnation: row.incarnation,
    origin: originOfColumn(row.origin),
    actor: row.actor,
    cleanStop: row.clean_stop === 1,
    announced: hlcOfColumn(row.announced),
  };
}

function frontierOfColumns(row: FrontierColumns): FrontierRow {
  return {
    shard: row.shard,
    origin: originOfColumn(row.origin),
    contig: row.contig,
    max: row.max,
    gaps: row.gaps === null ? [] : gapsOfBytes(row.gaps),
  };
}

function regionOfColumn(value: number): RegionCode {
  const region = parseRegionCode(value);
  if (region === undefined) throw new ByteStreamError("not a region code");
  return region;
}

function gapsToBytes(gaps: readonly SeqRange[]): Uint8Array {
  const writer = new ByteWriter().varint(gaps.length);
  for (const { lo, hi } of gaps) writer.varint(lo).varint(hi - lo);
  return writer.finish();
}

function gapsOfBytes(bytes: Uint8Array): SeqRange[] {
  const reader = new ByteReader(bytes);
  const gaps: SeqRange[] = [];
  for (let left = reader.count(bytes.length); left > 0; left--) {
    const lo = reader.varint();
    gaps.push({ lo, hi: lo + reader.varint() });
  }
  reader.end();
  return gaps;
}
