/**
 * Looking at a region from outside: is it done, is it sound, and what does it hold in the end?
 *
 * All of it reads the store through the contract, as a process would. Nothing is believed that can be counted
 * again: the sums come from the log rows and from the document rows, not from the running account.
 */
import type { ChangeHash, DocId, LogEntry, Sum } from "@atoll/core";
import { SUM_ZERO, addSums, elementOf, errorText, limits, shardRange, toHex } from "@atoll/core";
import type { ProfileCodec } from "@atoll/profile";
import type { DocumentRow, DocumentScan, RawLane, Store } from "@atoll/store";
import type { FinalDocument, FinalState } from "./checkers/final-state.ts";
import type { Violation } from "./checkers/violation.ts";
import type { SimRegion } from "./region.ts";

const PAGE = 256;

/** Every entry of a log that decodes. */
export function scanLog(store: Store): LogEntry[] {
  const entries: LogEntry[] = [];
  let lane: RawLane | undefined = store.scrub.nextLane(undefined);
  for (; lane !== undefined; lane = store.scrub.nextLane(lane)) {
    let after: bigint | undefined;
    for (;;) {
      const page = store.scrub.scanLog(lane, after, PAGE);
      for (const { seq, entry, isVoid } of page) {
        after = seq;
        if (entry !== undefined && !isVoid) entries.push(entry);
      }
      if (page.length < PAGE) break;
    }
  }
  return entries;
}

export function isConverged(regions: readonly SimRegion[]): boolean {
  const states = regions.map((region) => (region.isUp ? region.driver.status() : undefined));
  const first = states[0];
  const names = new Set(regions.map(({ name }) => name));
  return states.every(
    (state) =>
      state !== undefined &&
      state.root === first?.root &&
      state.peers
        .filter(({ region }) => names.has(region as never))
        .every(({ state: link, behind }) => link === "live" && behind === 0),
  );
}

/** Nothing waits, nothing differs, and every pair has proven that it is equal. */
export function isQuiet(regions: readonly SimRegion[]): boolean {
  return regions.every((region) => {
    if (!region.isUp) return false;
    const { counts, peers } = region.driver.status();
    const isProven = peers.every(({ root, ahead }) => root === "equal" && ahead === 0);
    return isProven && counts.pending === 0 && counts.sessionsWaiting === 0;
  });
}

/** What must hold at any moment, and is too dear to be asked after every event. */
export function watchRegion(
  region: SimRegion,
  fail: (violation: Omit<Violation, "atMs">) => void,
): void {
  if (!region.isUp) return;
  const { replica } = region.driver;
  const status = region.driver.status();
  const bounds: readonly (readonly [string, number, number])[] = [
    ["entries that wait", status.counts.pending, limits.PENDING_ENTRIES_MAX],
    ["quarantined entries", status.counts.quarantined, limits.QUARANTINE_ENTRIES_MAX],
    ["open documents", status.counts.documentsOpen, limits.DOCUMENTS_OPEN_MAX],
    ["waiting sessions", status.counts.sessionsWaiting, limits.SESSION_WAITERS_MAX],
    ["waiting receipts", status.counts.receiptsWaiting, limits.RECEIPT_WAITERS_MAX],
    ["staged entries", replica.group.size, limits.GROUP_ENTRIES_MAX],
    ["groups that leave", replica.group.leaving, limits.GROUPS_LEAVING_MAX],
    ["links", region.transport.linkCount, status.peers.length * LINKS_PER_PEER_MAX],
    ["bytes of a backlog", region.transport.backlogBytesMax(), BACKLOG_BYTES_MAX],
  ];
  for (const [what, value, most] of bounds) {
    if (value <= most) continue;
    fail({ checker: "bounds", message: `${region.name}: ${value} ${what}, at most ${most}` });
  }
}

/** One that is live, one that replaces it, one each way under way, and those that die of silence. */
const LINKS_PER_PEER_MAX = 24;
const BACKLOG_BYTES_MAX = limits.LINK_BACKLOG_BYTES_MAX + 2 * limits.FRAME_BYTES_MAX;
/** Documents that are loaded and saved again at the end of a run, per region: some milliseconds each. */
const DOCUMENTS_LOADED = 16;

export function finalStateOf(region: SimRegion, codec: ProfileCodec): FinalState {
  const { driver } = region;
  const { replica } = driver;
  const { store, cluster } = replica;
  replica.group.open();
  const rows = allRows(store, cluster.shardCount);
  const documents = rows.map((row): FinalDocument => {
    const clean = replica.renderer.clean(row) ?? row;
    return {
      docId: toHex(row.docId),
      id: clean.profileId,
      heads: toHex(clean.heads),
      json: clean.deleted ? undefined : clean.view,
      hidden: clean.deleted ? clean.view : undefined,
      isQuarantined: clean.quarantined,
    };
  });
  replica.flush();
  const changes = changesOf(store, codec);
  let changeSum: Sum = SUM_ZERO;
  for (const { docId, hash } of changes.values()) {
    changeSum = addSums(changeSum, elementOf(cluster.keys, docId, hash));
  }
  let rowSum: Sum = SUM_ZERO;
  for (const { sum } of rows) rowSum = addSums(rowSum, sum);
  let bucketSum: Sum = SUM_ZERO;
  for (const { sum } of store.readBuckets()) bucketSum = addSums(bucketSum, sum);
  const status = driver.status();
  return {
    region: region.name,
    documents,
    changes: new Set([...changes.values()].map(({ hash }) => toHex(hash))),
    root: toHex(replica.ledger.root),
    rootOfChanges: toHex(changeSum),
    rootOfDocuments: toHex(rowSum),
    rootOfBuckets: toHex(bucketSum),
    unloadable: rows
      .filter((_, i) => i % cluster.regions.length === region.place) // each in one of the regions
      .slice(0, DOCUMENTS_LOADED)
      .flatMap((row) => loadFault(row, store, codec)),
    pending: status.counts.pending,
    ahead: status.peers.map(({ ahead }) => ahead ?? -1),
  };
}

/** Every change that a log row brings or a document's bytes hold: the log is trimmed, and may lead. */
export function changesOf(
  store: Store,
  codec: ProfileCodec,
): ReadonlyMap<string, { readonly docId: DocId; readonly hash: ChangeHash }> {
  const changes = new Map<string, { readonly docId: DocId; readonly hash: ChangeHash }>();
  const add = (docId: DocId, hash: ChangeHash): void => {
    changes.set(`${toHex(docId)} ${toHex(hash)}`, { docId, hash });
  };
  for (const { docId, hash } of scanLog(store)) add(docId, hash);
  for (const { row, body } of scanDocuments(store)) {
    if (row === undefined || body === undefined || row.quarantined) continue;
    try {
      const profile = codec.open(body, new Uint8Array(16).fill(3));
      for (const hash of profile.changeHashes()) add(row.docId, hash);
      profile.free();
    } catch {
      continue; // it does not open: `loading` says so
    }
  }
  return changes;
}

/** As they lie, damaged ones among them. */
function* scanDocuments(store: Store): Generator<DocumentScan> {
  for (let after: DocumentScan["key"] | undefined; ;) {
    const page = store.scrub.scanDocuments(after, PAGE);
    yield* page;
    if (page.length < PAGE) return;
    after = page.at(-1)?.key;
  }
}

function allRows(store: Store, shardCount: number): DocumentRow[] {
  const rows: DocumentRow[] = [];
  for (let shard = 0; shard < shardCount; shard++) {
    const { from, to } = shardRange(shard, shardCount);
    for (let after: DocumentRow | undefined; ;) {
      const page = store.listDocuments({ from, to, after, limit: PAGE });
      rows.push(...page);
      if (page.length < PAGE) break;
      after = page.at(-1);
    }
  }
  return rows;
}

/** Loads a document from its bytes as they lie, and saves it: both must give the heads of its row. */
function loadFault(row: DocumentRow, store: Store, codec: ProfileCodec): string[] {
  const body = store.readBody(row);
  if (body === undefined || row.quarantined) return [];
  try {
    const profile = codec.open(body, new Uint8Array(16).fill(1));
    try {
      const heads = profile.heads().map(toHex).join("");
      if (heads !== toHex(row.heads)) return [`${toHex(row.docId)}: other heads than its row`];
      const saved = codec.open(
        { base: profile.save(), tail: new Uint8Array() },
        new Uint8Array(16).fill(2),
      );
      const again = saved.heads().map(toHex).join("");
      const isSame = saved.render().json === profile.render().json;
      saved.free();
      return again === heads && isSame ? [] : [`${toHex(row.docId)}: saved and loaded, it differs`];
    } finally {
      profile.free();
    }
  } catch (error) {
    return [`${toHex(row.docId)}: ${errorText(error)}`];
  }
}
