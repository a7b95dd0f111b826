/**
 * Reading and writing profiles, as the gateway asks for it: a session is admitted, the replica answers,
 * and what rests on staged writes waits until they are durable.
 */
import type { Clock, ProfileId, Random, RegionName, RegionVector } from "@atoll/core";
import {
  AtollError,
  VECTOR_ZERO,
  joinVectors,
  newProfileId,
  sometimes,
  unreachable,
} from "@atoll/core";
import type { ProfileEdit } from "@atoll/profile";
import type { GroupCommit } from "./group-commit.ts";
import type { Precondition } from "./precondition.ts";
import type { Receipt, ReceiptOptions, Receipts } from "./receipts.ts";
import { foundationOf } from "./receipts.ts";
import type { Replica, WriteResult } from "./replica.ts";
import type { Admission, SessionOptions, Sessions } from "./sessions.ts";
import type { Snapshot } from "./snapshot.ts";

interface Answer {
  readonly sessionToken: string;
  readonly stale: boolean;
}

export type ReadAnswer = Answer &
  ({ readonly kind: "found"; readonly profile: Snapshot } | { readonly kind: "absent" });

export type WriteAnswer = Answer &
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
  /** Undefined: durable here is enough, and nothing is said about elsewhere. */
  readonly receipt?: ReceiptOptions;
}

export class RegionService {
  readonly region: RegionName;
  readonly #replica: Replica;
  readonly #group: GroupCommit;
  readonly #sessions: Sessions;
  readonly #receipts: Receipts;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #isStopping: () => boolean;

  constructor(options: {
    readonly replica: Replica;
    readonly group: GroupCommit;
    readonly sessions: Sessions;
    readonly receipts: Receipts;
    readonly clock: Clock;
    readonly random: Random;
    readonly isStopping: () => boolean;
  }) {
    this.region = options.replica.region.name;
    this.#replica = options.replica;
    this.#group = options.group;
    this.#sessions = options.sessions;
    this.#receipts = options.receipts;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#isStopping = options.isStopping;
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
    { upsert, receipt: asked }: ServiceWriteOptions,
  ): Promise<WriteAnswer> {
    const startedMs = this.#clock.monotonicMs();
    const { signal } = session;
    const { seen, stale } = await this.#admit(session);
    if (this.#isStopping()) throw draining();
    if (this.#replica.mustRenew) {
      sometimes("inherited name not proven before a write");
      this.#group.apart(() => this.#replica.reincarnate());
    }
    const giveBack = this.#receipts.reserve(asked?.durability ?? "local");
    try {
      const { result, foundation } = this.#group.stage(() => ({
        result: this.#replica.write(id, edit, { precondition, dep: seen, upsert }),
        foundation: asked === undefined ? [] : foundationOf(this.#replica, id),
      }));
      await this.#group.durable();
      // Without a foundation there is nothing that could be anywhere.
      const isAbout = result.kind !== "absent" && foundation.length > 0;
      const receipt =
        asked === undefined || !isAbout
          ? undefined
          : await this.#receipts.receiptFor(foundation, { ...asked, startedMs, signal });
      const answer = this.#answer(joinVectors(seen, dependenciesOf(result)), stale);
      return writeAnswer(answer, result, receipt);
    } finally {
      giveBack();
    }
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
        ? { ...this.#answer(seen, stale), kind: "absent" }
        : {
            ...this.#answer(joinVectors(seen, snapshot.dep), stale),
            kind: "found",
            profile: snapshot,
          };
    return staged ? this.#group.durable().then(() => answer) : answer;
  }

  #answer(vector: RegionVector, stale: boolean): Answer {
    return { sessionToken: this.#sessions.token(vector), stale };
  }
}

function dependenciesOf(result: WriteResult): RegionVector {
  switch (result.kind) {
    case "written":
      return result.snapshot.dep;
    case "deleted":
      return result.dep;
    case "absent":
      return VECTOR_ZERO;
    default:
      return unreachable(result);
  }
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
