/**
 * Bugs that we plant, to see that the simulator finds them: a checker that has never failed proves nothing.
 *
 * Each is a mistake that somebody has made in some database, and each must be caught within 200 seeds. They
 * stand in the doors or replace a method of one instance; the product knows nothing of them.
 */
import type { Hlc, LogEntry } from "@atoll/core";
import { SeededRandom, hlcFromMs, isAtollError, originRegion } from "@atoll/core";
import type { WriteAnswer } from "@atoll/replica";
import type { Store } from "@atoll/store";
import type { LinkId, Message, TransportHandler } from "@atoll/sync";
import { decodeFrame, encodeMessage } from "@atoll/sync";
import type { Doors, Sabotage, Surroundings } from "./sabotage.ts";
import { withHooks } from "./store-door.ts";

export const PLANTED: readonly Sabotage[] = [
  inStore(
    "acknowledges-before-commit",
    "answers when a commit is due, not when it is done",
    (store) => {
      let isOwed = false;
      const settle = (): void => {
        if (isOwed) store.commit();
        isOwed = false;
      };
      return {
        begin: () => {
          settle();
          store.begin();
        },
        commitSoon: () => {
          isOwed = true;
          return true;
        },
        rollback: () => {
          if (!isOwed) store.rollback();
        },
        get inTransaction() {
          return !isOwed && store.inTransaction;
        },
      };
    },
  ),
  inStore("acknowledges-before-fsync", "takes what is committed for durable", (store) => ({
    commitSoon: () => {
      store.commitSoon(() => undefined);
      return true;
    },
  })),
  {
    name: "publishes-before-fsync",
    about: "sends an entry as soon as it is staged",
    doors: publishEarly,
  },
  inStore("forgets-a-bucket", "does not write some buckets of the tree", (store, { random }) => ({
    writeBucket: (row) => {
      if (random.below(10) > 0) store.writeBucket(row);
    },
  })),
  {
    name: "reuses-its-name-after-a-restore",
    about: "a restart keeps origin and actor although the stop was not orderly",
    doors: (doors, { region }) => {
      let reads = 0;
      const { store } = doors;
      const readIdentity: Store["readIdentity"] = () => {
        const identity = store.readIdentity();
        return identity && { ...identity, cleanStop: reads++ % 2 === 1 };
      };
      const random = new SeededRandom(region.name);
      return { ...doors, store: withHooks(store, { readIdentity }), random };
    },
  },
  inDriver("swallows-the-rest-of-a-batch", "counts what follows a bad or early entry", (driver) => {
    const { replica } = driver;
    const ingest = replica.ingest.bind(replica);
    replica.ingest = (entries, from) => {
      let counts = { applied: 0, held: 0, waiting: 0, quarantined: 0 };
      for (const [i, entry] of entries.entries()) {
        counts = ingest([entry], from);
        if (counts.waiting + counts.quarantined === 0) continue;
        for (const rest of entries.slice(i + 1)) replica.ledger.hold(rest);
        break;
      }
      return counts;
    };
  }),
  inDriver(
    "ignores-what-waits",
    "an entry whose parent is missing is counted and dropped",
    (driver) => {
      const { waitingRoom, ledger } = driver.replica;
      waitingRoom.add = (entry) => ledger.hold(entry);
    },
  ),
  inDriver("skips-a-shard", "entries of one shard are thrown away", (driver) => {
    const { replica } = driver;
    const ingest = replica.ingest.bind(replica);
    replica.ingest = (entries, from) =>
      ingest(
        entries.filter(({ shard }) => shard > 0),
        from,
      );
  }),
  inDriver("accepts-a-stale-token", "reads do not wait for what the session has seen", (driver) => {
    const { service } = driver;
    const read = service.read.bind(service);
    service.read = async (id, session) => ({
      ...(await read(id, { ...session, waitMs: 0, handling: "lenient" })),
      stale: false,
    });
  }),
  inStore("drops-a-tombstone", "some deletions are not kept", (store, { random }) => ({
    writeDocument: (row) => {
      store.writeDocument({ ...row, deleted: row.deleted && random.below(2) === 0 });
    },
  })),
  inDriver(
    "evicts-a-dirty-document",
    "changes beside an open document are lost",
    (driver, { random }) => {
      const { documents } = driver.replica;
      const changed = documents.changed.bind(documents);
      documents.changed = (place, chunks) => {
        if (random.below(3) > 0) changed(place, chunks);
      };
    },
  ),
  inFrames(
    "heartbeat-over-a-gap",
    "says that nothing up to later is still to come",
    (message, around) => {
      if (message.kind !== "heartbeat") return message;
      const code = around.region.place + 1;
      const later = [...message.vector].map(
        ([region, hlc]) =>
          [region, (Number(region) === code ? hlc + 20_000 * 1_024 : hlc) as Hlc] as const,
      );
      return { ...message, vector: new Map(later) };
    },
  ),
  inFrames(
    "announces-more-than-it-holds",
    "says it holds one entry more of others' lanes",
    (message, around) => {
      if (message.kind !== "heartbeat") return message;
      const lanes = message.lanes.map((lane) =>
        Number(originRegion(lane.origin)) === around.region.place + 1
          ? lane
          : { ...lane, contig: lane.contig + 1 },
      );
      return { ...message, lanes };
    },
  ),
  inDriver(
    "loses-an-increment",
    "some increments are acknowledged and not made",
    (driver, { random }) => {
      const { replica } = driver;
      const write = replica.write.bind(replica);
      replica.write = (id, edit, options) =>
        write(
          id,
          edit.kind === "increment" && random.below(3) === 0 ? { ...edit, by: 0 } : edit,
          options,
        );
    },
  ),
  inDriver("applies-an-increment-twice", "some increments are made again", (driver, { random }) => {
    const { service } = driver;
    const write = service.write.bind(service);
    service.write = async (id, edit, precondition, session, options) => {
      const isTwice = edit.kind === "increment" && random.below(4) === 0;
      if (isTwice) await write(id, edit, precondition, session, options);
      return write(id, edit, precondition, session, options);
    };
  }),
  inDriver("counts-a-change-twice", "some changes are summed twice", (driver, { random }) => {
    const { ledger } = driver.replica;
    const account = ledger.account.bind(ledger);
    ledger.account = (place, change) => {
      account(place, change);
      if (random.below(20) === 0) account(place, { ...change, documents: 0 });
    };
  }),
  inStore("drops-a-lane-of-the-frontier", "some lanes are not written", (store, { random }) => ({
    writeFrontier: (lane, frontier) => {
      if (random.below(5) > 0) store.writeFrontier(lane, frontier);
    },
  })),
  inStore(
    "cuts-wrongly",
    "one region takes the last minute to lie above every cut",
    (store, around) => ({
      readTail: (region, after, limit) => {
        const isWrong = around.region.place === 0;
        return store.readTail(
          region,
          (isWrong ? Math.max(0, after - MINUTE) : after) as Hlc,
          limit,
        );
      },
    }),
  ),
  inDriver("counts-regions-unheard", "a receipt names every region", (driver) => {
    const { service, replica } = driver;
    const write = service.write.bind(service);
    service.write = async (id, edit, precondition, session, options): Promise<WriteAnswer> => {
      const answer = await write(id, edit, precondition, session, options);
      if (answer.kind === "absent" || answer.receipt === undefined) return answer;
      const durableIn = replica.cluster.regions.map(({ name }) => name);
      return { ...answer, receipt: { ...answer.receipt, met: true, durableIn, missingIn: [] } };
    };
  }),
  inDriver(
    "keeps-memory-after-a-rollback",
    "a failed group is undone on the disk only",
    (driver) => {
      const { replica } = driver;
      replica.abandon = () => {
        replica.store.rollback();
        replica.group.end();
      };
    },
  ),
  inStore(
    "acknowledges-on-a-full-disk",
    "a commit that fails is taken for one that did not",
    (store) => ({
      commitSoon: (durable) => {
        try {
          return store.commitSoon(durable);
        } catch (error) {
          if (!isAtollError(error)) throw error;
          store.rollback();
          return true;
        }
      },
    }),
  ),
  inStore(
    "loses-a-tail",
    "some changes are not appended to their document",
    (store, { random }) => ({
      appendTail: (place, chunks, changes) => {
        if (random.below(12) > 0) store.appendTail(place, chunks, changes);
      },
    }),
  ),
  inDriver("trusts-an-old-name", "an orderly copy writes on under its name, unasked", (driver) => {
    driver.replica.originProven();
  }),
  inStore("covers-too-much-after-a-restart", "reads its coverage a minute ahead", (store) => ({
    readCoverage: () =>
      new Map([...store.readCoverage()].map(([region, hlc]) => [region, (hlc + MINUTE) as Hlc])),
  })),
  inDriver("never-asks-again", "the place of a bad entry is set aside for ever", (driver) => {
    const { ledger } = driver.replica;
    const setAside = ledger.setAside.bind(ledger);
    ledger.setAside = (entry) => setAside(entry, Infinity);
  }),
  inStore("forgets-who-waits", "after a restart nobody waits any more", () => ({
    pendingDocuments: () => [],
  })),
  inStore("shows-an-old-view", "some views are called clean that are not", (store, { random }) => ({
    writeDocument: (row) => {
      const isKept = random.below(4) > 0;
      const before = isKept ? undefined : store.readDocument(row);
      store.writeDocument(before?.view === undefined ? row : { ...row, view: before.view });
    },
  })),
  inDriver("ignores-preconditions", "If-Match is not looked at", (driver) => {
    const { service } = driver;
    const write = service.write.bind(service);
    service.write = (id, edit, _precondition, session, options) =>
      write(id, edit, {}, session, options);
  }),
  inDriver(
    "forgets-what-it-answered",
    "some merge-patches are answered and undone",
    (driver, { random }) => {
      const { replica } = driver;
      const write = replica.write.bind(replica);
      replica.write = (id, edit, options) => {
        const before = replica.store.inTransaction;
        const result = write(id, edit, options);
        if (edit.kind === "merge-patch" && !before && random.below(10) === 0) replica.abandon();
        return result;
      };
    },
  ),
];

const MINUTE = hlcFromMs(Date.UTC(2020, 0, 1) + 60_000);

export function plantedByName(name: string): Sabotage | undefined {
  return PLANTED.find((bug) => bug.name === name);
}

function inStore(
  name: string,
  about: string,
  hooksOf: (store: Store, around: Surroundings) => Partial<Store>,
): Sabotage {
  return {
    name,
    about,
    doors: (doors, around) => ({
      ...doors,
      store: withHooks(doors.store, hooksOf(doors.store, around)),
    }),
  };
}

function inDriver(name: string, about: string, driver: NonNullable<Sabotage["driver"]>): Sabotage {
  return { name, about, driver };
}

function inFrames(
  name: string,
  about: string,
  change: (message: Message, around: Surroundings) => Message,
): Sabotage {
  return {
    name,
    about,
    doors: (doors, around) => {
      const { transport } = doors;
      const send = transport.send.bind(transport);
      transport.send = (link, frame) => {
        const decoded = decodeFrame(frame);
        if (decoded.kind !== "message") return send(link, frame);
        const { message, version } = decoded;
        const changed = change(message, around);
        send(link, changed === message ? frame : encodeMessage(changed, version));
      };
      return doors;
    },
  };
}

function publishEarly(doors: Doors, { region }: Surroundings): Doors {
  const { store, transport } = doors;
  const versions = new Map<LinkId, number>();
  const send = transport.send.bind(transport);
  transport.send = (link, frame) => {
    if (frame[1] === HEARTBEAT) versions.set(link, frame[0] ?? 1); // the link is live
    send(link, frame);
  };
  const attach = transport.attach.bind(transport);
  transport.attach = (handler: TransportHandler) =>
    attach({
      linkUp: (link, dialled, identity) => handler.linkUp(link, dialled, identity),
      frame: (link, bytes) => handler.frame(link, bytes),
      linkDown: (link, reason) => {
        versions.delete(link);
        handler.linkDown(link, reason);
      },
    });
  const appendLog = (entry: LogEntry, element64: bigint): void => {
    store.appendLog(entry, element64);
    if (Number(originRegion(entry.origin)) !== region.place + 1) return;
    for (const [link, version] of versions) {
      send(link, encodeMessage({ kind: "batch", repair: false, entries: [entry] }, version));
    }
  };
  return { ...doors, store: withHooks(store, { appendLog }) };
}

const HEARTBEAT = 3;
