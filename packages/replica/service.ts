/**
 * Reading and writing profiles, as the gateway asks for it: a session is admitted, the replica answers,
 * and what rests on staged writes waits until they are durable.
 */
import type {
  ChangeHash,
  Clock,
  ProfileId,
  Random,
  RegionName,
  RegionVector,
  Span,
} from "@atoll/core";
import {
  AtollError,
  VECTOR_ZERO,
  fromHex,
  joinVectors,
  mustChangeHash,
  newProfileId,
  sometimes,
  toHex,
  traced,
  unreachable,
} from "@atoll/core";
import type { Authorship, ProfileEdit } from "@atoll/profile";
import type { Feed } from "./feed.ts";
import type { GroupCommit } from "./group-commit.ts";
import type { Idempotency, KeptOutcome } from "./kept-answers.ts";
import type { ListPage, ListPlace } from "./many.ts";
import { ManyReader } from "./many.ts";
import { Past } from "./past.ts";
import { PastService } from "./past-service.ts";
import type { Precondition } from "./precondition.ts";
import type { Receipt, ReceiptOptions, Receipts } from "./receipts.ts";
import { foundationOf } from "./receipts.ts";
import type { Replica, WriteResult } from "./replica.ts";
import type { SchemaJudge } from "./schema-judge.ts";
import type { Admission, SessionOptions, Sessions } from "./sessions.ts";
import type { Snapshot } from "./snapshot.ts";
import { tokenWith } from "./snapshot.ts";

interface Answer {
  readonly sessionToken: string;
  readonly stale: boolean;
}

interface Replayable {
  /** True when this is the answer to an earlier request with the same Idempotency-Key. */
  readonly replayed?: boolean;
}

export type ReadAnswer = Answer &
  ({ readonly kind: "found"; readonly profile: Snapshot } | { readonly kind: "absent" });

export type WriteAnswer = Answer &
  Replayable &
  (
    | {
        readonly kind: "written";
        readonly created: boolean;
        readonly changed: boolean;
        readonly profile: Snapshot;
        readonly receipt?: Receipt | undefined;
      }
    | {
        readonly kind: "deleted";
        readonly existed: boolean;
        readonly receipt?: Receipt | undefined;
      }
    | { readonly kind: "absent" }
  );

export interface ServiceWriteOptions {
  readonly upsert: boolean;
  /** The version that the client saw. */
  readonly base?: readonly ChangeHash[];
  readonly idempotency?: Idempotency;
  /** Who asked for it. Travels with the change. */
  readonly by?: Authorship;
  /** Of the request, where it is traced. Its context travels with the change, too. */
  readonly span?: Span;
  /** Undefined: durable here is enough, and nothing is said about elsewhere. */
  readonly receipt?: ReceiptOptions;
}

export class RegionService {
  readonly region: RegionName;
  readonly feed: Feed;
  /** What was, who wrote it, and what lost. */
  readonly past: PastService;
  /** What a profile may be. */
  readonly schema: SchemaJudge;
  readonly #many: ManyReader;
  readonly #replica: Replica;
  readonly #group: GroupCommit;
  readonly #sessions: Sessions;
  readonly #receipts: Receipts;
  readonly #token = (vector: RegionVector): string => this.#sessions.token(vector);
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #isStopping: () => boolean;

  constructor(options: {
    readonly replica: Replica;
    readonly group: GroupCommit;
    readonly sessions: Sessions;
    readonly receipts: Receipts;
    readonly feed: Feed;
    readonly clock: Clock;
    readonly random: Random;
    readonly isStopping: () => boolean;
  }) {
    this.region = options.replica.region.name;
    this.#replica = options.replica;
    this.#group = options.group;
    this.#sessions = options.sessions;
    this.#receipts = options.receipts;
    this.feed = options.feed;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#isStopping = options.isStopping;
    this.schema = options.replica.schema;
    this.#many = new ManyReader(options);
    this.past = new PastService({
      replica: options.replica,
      group: options.group,
      admit: (session) => this.#admit(session),
      token: this.#token,
    });
  }

  read(id: ProfileId, session: SessionOptions): ReadAnswer | Promise<ReadAnswer> {
    const admission = this.#admit(session);
    return admission instanceof Promise
      ? admission.then((admitted) => this.#read(id, admitted))
      : this.#read(id, admission);
  }

  async write(
    id: ProfileId,
    edit: ProfileEdit,
    precondition: Precondition,
    session: SessionOptions,
    { upsert, base, by: asker, span, idempotency, receipt: asked }: ServiceWriteOptions,
  ): Promise<WriteAnswer> {
    const startedMs = this.#clock.monotonicMs();
    const { signal } = session;
    const { seen, stale } = await this.#admit(session);
    if (this.#isStopping()) throw draining();
    if (this.#replica.mustRenew) {
      sometimes("inherited name not proven before a write");
      this.#group.apart(() => this.#replica.reincarnate());
    }
    const writing = span?.child("write");
    const by = writing === undefined ? asker : { ...asker, traceparent: writing.traceparent };
    const giveBack = this.#receipts.reserve(asked?.durability ?? "local");
    try {
      const staged = () => {
        const kept = idempotency && this.#replica.answers.find(idempotency);
        const result =
          kept === undefined
            ? this.#replica.write(id, edit, { precondition, dep: seen, upsert, base, by })
            : outcomeAgain(this.#replica, kept);
        if (kept === undefined && idempotency !== undefined) {
          keepOutcome(this.#replica, idempotency, result);
        }
        const about = kept?.kind === "written" ? kept.id : id;
        const foundation = asked === undefined ? [] : foundationOf(this.#replica, about);
        return { result, replayed: kept !== undefined, foundation };
      };
      const { result, replayed, foundation } = traced(writing, () => this.#group.stage(staged));
      await traced(span?.child("commit"), () => this.#group.durable());
      // Without a foundation there is nothing that could be anywhere.
      const isAbout = result.kind !== "absent" && foundation.length > 0;
      const receipt =
        asked === undefined || !isAbout
          ? undefined
          : await this.#receipts.receiptFor(foundation, { ...asked, startedMs, signal });
      const sessionToken = this.#tokenAfter(result, seen);
      const answer = writeAnswer({ sessionToken, stale }, result, receipt);
      return { ...answer, ...(replayed && { replayed }) };
    } finally {
      giveBack();
    }
  }

  /** In the order asked for; undefined for those that are not here. */
  async readMany(
    ids: readonly ProfileId[],
    session: SessionOptions,
  ): Promise<Answer & { readonly profiles: readonly (Snapshot | undefined)[] }> {
    const { seen, stale } = await this.#admit(session);
    const { profiles, dep } = await this.#many.read(ids, seen);
    return { ...this.#answer(dep, stale), profiles };
  }

  /** A page of the profiles that are here. */
  async list(
    page: ListPage,
    session: SessionOptions,
  ): Promise<
    Answer & { readonly profiles: readonly Snapshot[]; readonly next: ListPlace | undefined }
  > {
    const { seen, stale } = await this.#admit(session);
    const { profiles, dep, next } = await this.#many.list(page, seen);
    return { ...this.#answer(dep, stale), profiles, next };
  }

  /** A session that has seen all that these have; they are tokens of ours. */
  joinSessions(tokens: readonly string[]): string {
    return this.#sessions.join(tokens);
  }

  newProfileId(): ProfileId {
    return newProfileId(this.#clock.nowMs(), this.#random);
  }

  #admit(session: SessionOptions): Admission | Promise<Admission> {
    if (this.#isStopping()) throw draining();
    return this.#sessions.admit(session);
  }

  #read(id: ProfileId, admission: Admission): ReadAnswer | Promise<ReadAnswer> {
    const { snapshot, staged } = this.#group.stage(() => this.#replica.read(id));
    const { seen, stale } = admission;
    const answer: ReadAnswer =
      snapshot === undefined
        ? { kind: "absent", sessionToken: this.#token(seen), stale }
        : {
            kind: "found",
            profile: snapshot,
            sessionToken: tokenWith(snapshot, seen, this.#token),
            stale,
          };
    return staged ? this.#group.durable().then(() => answer) : answer;
  }

  #tokenAfter(result: WriteResult, seen: RegionVector): string {
    switch (result.kind) {
      case "written":
        return tokenWith(result.snapshot, seen, this.#token);
      case "deleted":
        return this.#token(joinVectors(seen, result.dep));
      case "absent":
        return this.#token(seen);
      default:
        return unreachable(result);
    }
  }

  #answer(vector: RegionVector, stale: boolean): Answer {
    return { sessionToken: this.#token(vector), stale };
  }
}

function keepOutcome(replica: Replica, idempotency: Idempotency, result: WriteResult): void {
  switch (result.kind) {
    case "written": {
      const { created, changed, snapshot } = result;
      const heads = snapshot.heads.map((hex) => mustChangeHash(fromHex(hex)));
      const outcome = { kind: result.kind, id: snapshot.id, created, changed, heads };
      return replica.answers.keep(idempotency, outcome);
    }
    case "deleted":
      return replica.answers.keep(idempotency, { kind: "deleted", existed: result.existed });
    case "absent":
      return; // nothing was done: there is nothing to do twice
  }
}

/** The same result as then, of the version that was written then. */
function outcomeAgain(replica: Replica, kept: KeptOutcome): WriteResult {
  if (kept.kind === "deleted") return { ...kept, dep: VECTOR_ZERO };
  const { id, created, changed, heads } = kept;
  const present = replica.read(id).snapshot;
  const isPresent = present?.heads.join() === heads.map(toHex).join();
  const snapshot = isPresent
    ? present
    : Past.of(replica, id, (past) => past.version({ kind: "heads", heads }));
  return snapshot === undefined
    ? { kind: "absent" }
    : { kind: "written", created, changed, snapshot };
}

function writeAnswer(
  answer: Answer,
  result: WriteResult,
  receipt: Receipt | undefined,
): WriteAnswer {
  switch (result.kind) {
    case "written": {
      const { created, changed, snapshot } = result;
      return { ...answer, kind: "written", created, changed, profile: snapshot, receipt };
    }
    case "deleted":
      return { ...answer, kind: "deleted", existed: result.existed, receipt };
    case "absent":
      return { ...answer, kind: "absent" };
    default:
      return unreachable(result);
  }
}

function draining(): AtollError {
  return new AtollError("draining", "this region is stopping", { retryAfterSeconds: 1 });
}
