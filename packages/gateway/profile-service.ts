/**
 * What the gateway needs from a region, and nothing more.
 *
 * The gateway declares it and `replica` satisfies it by shape: HTTP never learns how a region stores
 * or replicates, and a test of a route needs a page of fake, not a database.
 */
import type { RegionName, Span } from "@atoll/core";
import type { ChangeHash, DocId, FieldFault, Hlc, ProfileId, Tenant, TreeNode } from "@atoll/core";
import type { Authorship, JsonObject, ProfileEdit } from "@atoll/profile";
import type { Answer, ProfileSnapshot, SessionOptions } from "./answer-contract.ts";
import type { AuditEntry } from "./contract/admin-audit.ts";
import type { DocumentContent, DocumentFacts, MergePreview } from "./contract/admin-documents.ts";
import type {
  AboveCut,
  Holdings,
  NamedCut,
  NodeAtCut,
  ShardSums,
  SignedStatement,
} from "./contract/admin-truth.ts";
import type { PastService } from "./past-contract.ts";

export type { Answer, ProfileSnapshot, SessionOptions } from "./answer-contract.ts";

export type ReadAnswer = Answer &
  ({ readonly kind: "found"; readonly profile: ProfileSnapshot } | { readonly kind: "absent" });

/** Preconditions of RFC 9110 section 13, on this region's copy. Tags without quotes. */
export interface Precondition {
  /** `*` or a list of tags. */
  readonly ifMatch?: "*" | readonly string[];
  readonly ifNoneMatch?: "*" | readonly string[];
}

/** In how many regions: this one, two, more than half, every one of the cluster. */
export type Durability = "local" | "2" | "majority" | "all";

export interface ReceiptOptions {
  readonly durability: Durability;
  /** How long the other regions have, milliseconds from when the request came to the service. */
  readonly waitMs: number;
}

/** Where a write is durable, by what the regions have said themselves. */
export interface Receipt {
  readonly met: boolean;
  /** What was asked for if it was met, otherwise the most that was. */
  readonly reached: Durability;
  readonly durableIn: readonly string[];
  readonly missingIn: readonly string[];
}

/** Names an attempt, so that it is not made twice. */
export interface Idempotency {
  /** 32 bytes, of whoever asks and the key they chose. */
  readonly key: Uint8Array;
  /** 32 bytes, of everything that decides what the request does. */
  readonly fingerprint: Uint8Array;
}

/** `replayed`: the answer to an earlier request with the same key and fingerprint. */
export type WriteAnswer = Answer & { readonly replayed?: boolean } & (
    | {
        readonly kind: "written";
        readonly created: boolean;
        /** False when the profile already was what was asked for: nothing was recorded. */
        readonly changed: boolean;
        readonly profile: ProfileSnapshot;
        /** When one was asked for. */
        readonly receipt?: Receipt | undefined;
      }
    | {
        readonly kind: "deleted";
        readonly existed: boolean;
        /** When one was asked for and this region knows of any such profile. */
        readonly receipt?: Receipt | undefined;
      }
    /** A patch, without `upsert` or with a base, of a profile that is not here. */
    | { readonly kind: "absent" }
  );

export interface WriteOptions {
  /** A patch of an absent profile creates it in the same step, and is not `absent`. */
  readonly upsert: boolean;
  /** The version that the client saw: the edit is made there, and merges with what came since. */
  readonly base?: readonly ChangeHash[];
  /** Undefined: durable here is enough. */
  readonly receipt?: ReceiptOptions;
  /** Undefined: made again when it is asked again. */
  readonly idempotency?: Idempotency;
  /** Who asks. Travels with the change, and is shown in its history. */
  readonly by?: Authorship;
  /** Of the request, where it is traced. */
  readonly span?: Span;
}

/** Where a page of a list starts after. */
export type ListPlace =
  | { readonly order: "id"; readonly after: ProfileId }
  | { readonly order: "updatedAt"; readonly since: Hlc; readonly after: DocId };

export interface ListPage {
  readonly tenant: Tenant;
  readonly order: "id" | "updatedAt";
  readonly limit: number;
  /** Only what was written from then on; with `updatedAt` alone. */
  readonly sinceMs: number | undefined;
  readonly after: ListPlace | undefined;
}

export type ListAnswer = Answer & {
  readonly profiles: readonly ProfileSnapshot[];
  /** Undefined at the end. */
  readonly next: ListPlace | undefined;
};

/** What a profile may be. */
export interface SchemaService {
  /** JSON Schema 2020-12, as the operator gave it. */
  readonly source: JsonObject;
  /** What a profile's JSON has against it: only writes from elsewhere can have put it there. */
  faults(json: string): readonly FieldFault[];
}

/** A write, by the change that made it. */
export interface NamedWrite {
  readonly change: string;
  readonly region: string | undefined;
  readonly writtenAtMs: number;
}

/** An acknowledged write that a concurrent one overrode. Comes before the change that made them meet. */
export interface SupersededEvent {
  /** Of the event before: who goes on behind it is told of that change. */
  readonly cursor: string;
  readonly kind: "superseded";
  readonly id: ProfileId;
  readonly pointer: string;
  readonly lost: NamedWrite;
  /** Undefined where a container is shown, which nobody in particular made. */
  readonly winner: NamedWrite | undefined;
}

/** A profile that changed, as it is now. */
export interface ChangeEvent {
  /** To go on behind this event. */
  readonly cursor: string;
  readonly kind: "change" | "delete";
  readonly id: ProfileId;
  /** Where the change was written, and when by that region's clock. */
  readonly region: string;
  readonly writtenAtMs: number;
  readonly etag: string;
  readonly hasConflicts: boolean;
  /** Canonical JSON, when asked for. */
  readonly json?: string | undefined;
}

export type FeedEvent = ChangeEvent | SupersededEvent;

export interface FeedPage {
  readonly events: readonly FeedEvent[];
  /** Behind everything on this page. */
  readonly cursor: string;
  readonly more: boolean;
}

export interface FeedService {
  /**
   * `since`: a cursor, `now`, or undefined for the beginning.
   * Rejects with `AtollError`: malformed-request, cursor-expired, storage-failed.
   */
  page(query: {
    readonly tenant: Tenant;
    readonly since: string | undefined;
    readonly limit: number;
    readonly withData: boolean;
  }): Promise<FeedPage>;
  /** True when something lies behind the cursor; false after `waitMs`, or when the region stops. */
  changed(cursor: string, waitMs: number, signal: AbortSignal): Promise<boolean>;
  readonly isClosed: boolean;
}

export interface ProfileService {
  readonly region: RegionName;
  readonly feed: FeedService;
  /** Throws `AtollError`: session-not-available, malformed-request (token), overloaded, draining. */
  read(id: ProfileId, session: SessionOptions): ReadAnswer | Promise<ReadAnswer>;
  /**
   * Settles when the write is durable in this region, and in others if a receipt is asked for. A
   * `session-not-available` means that the write was not even tried.
   * Throws `AtollError`: precondition-failed, validation-failed, counter-requires-increment,
   * patch-test-failed, unknown-base, stale-conflict, idempotency-mismatch,
   * session-not-available, storage-full, storage-failed, overloaded, draining, document-quarantined.
   */
  write(
    id: ProfileId,
    edit: ProfileEdit,
    precondition: Precondition,
    session: SessionOptions,
    options: WriteOptions,
  ): Promise<WriteAnswer>;
  /** Profiles by id, in the order asked for; undefined for those that are not here. */
  readMany(
    ids: readonly ProfileId[],
    session: SessionOptions,
  ): Promise<Answer & { readonly profiles: readonly (ProfileSnapshot | undefined)[] }>;
  /** A page of the profiles that are here, in an order that stays while pages are read. */
  list(page: ListPage, session: SessionOptions): Promise<ListAnswer>;
  /** A session that has seen all that these have. */
  joinSessions(tokens: readonly string[]): string;
  /** An id for a profile whose client chose none: UUIDv7. */
  newProfileId(): ProfileId;
  readonly schema: SchemaService;
  /** What was, who wrote it, and what lost. */
  readonly past: PastService;
}

export type PeerState = "active" | "paused";

/** What was set aside, for a person to decide about. */
export interface QuarantineService {
  /** Newest first. */
  list(limit: number): Readonly<Record<"total" | "entries", unknown>>;
  /** With its bytes in base64. Undefined when there is no such record, as for all that follow. */
  show(id: number): Readonly<Record<"bytes", string>> | undefined;
  /** Judged again; settles when what came of it is durable. */
  retry(id: number): Promise<Readonly<Record<"outcome" | "reason", unknown>> | undefined>;
  /** Given up; false when there is no such record. */
  drop(id: number): Promise<boolean>;
}

/** Looking for damage. */
export interface ScrubService {
  /** Starts a full pass; false when one is running. */
  verify(): boolean;
  /** Of the pass that is running, or of the last. */
  report(): Readonly<Record<"state" | "progress" | "faults", unknown>>;
}

/** What this region holds at a cut. All that take one may throw cut-unavailable. */
export interface TruthService {
  holdings(): Promise<Readonly<Record<keyof Holdings, unknown>>>;
  shards(cut: NamedCut): Readonly<Record<keyof ShardSums, unknown>>;
  node(cut: NamedCut, node: TreeNode, fanBits: number): Readonly<Record<keyof NodeAtCut, unknown>>;
  above(
    cut: NamedCut,
    page: { readonly after: string | undefined; readonly limit: number },
  ): Readonly<Record<keyof AboveCut, unknown>>;
  statement(cut: NamedCut): Readonly<Record<keyof SignedStatement, unknown>>;
  keys(): Readonly<Record<"cluster" | "keys", unknown>>;
}

/** One document, for whoever compares regions. Undefined where this region has never seen it. */
export interface DocumentDeskService {
  facts(docId: string): Readonly<Record<keyof DocumentFacts, unknown>> | undefined;
  content(docId: string): Readonly<Record<keyof DocumentContent, unknown>> | undefined;
  chunks(docId: string): Uint8Array | undefined;
  preview(docId: string, theirs: Uint8Array): Readonly<Record<keyof MergePreview, unknown>>;
}

export type { AuditEntry } from "./contract/admin-audit.ts";

/** What operators did here. */
export interface AuditService {
  /** Never throws. */
  record(entry: AuditEntry): void;
  /** Newest first. */
  list(limit: number): readonly AuditEntry[];
}

/** How this region sees another one. */
export interface RegionLink {
  readonly region: string;
  /** connecting, handshake, live, paused or down. */
  readonly state: string;
  readonly lagMs: number | null;
}

/** Answers of the admin listener: JSON as the routes send it, so that no field is lost between. */
export interface AdminService {
  /** One check a line for `/readyz?verbose`; ready when all are ok. */
  readiness(): readonly {
    readonly check: string;
    readonly ok: boolean;
    readonly detail?: string;
  }[];
  status(): Readonly<Record<string, unknown>>;
  /** Cuts or heals the link to a region, both directions. False when there is no such peer. */
  setPeerState(region: string, state: PeerState): boolean;
  /** Compares with a peer now. False when no such peer is linked. */
  compareWith(region: string): boolean;
  readonly truth: TruthService;
  /** Not ready, until it is told otherwise: clients are to go elsewhere. */
  setDrained(drained: boolean): void;
  readonly audit: AuditService;
  readonly documents: DocumentDeskService;
  /** Every incarnation that has written. */
  actors(): readonly object[];
  readonly quarantine: QuarantineService;
  readonly scrub: ScrubService;
  readonly metrics: MetricsService;
  /** The configuration as it is in force, without secrets. */
  config(): Readonly<Record<string, unknown>>;
  /** What this is: version, runtime, libraries. */
  build(): Readonly<Record<string, string>>;
}

/** The exposition that a Prometheus server scrapes. */
export interface MetricsService {
  readonly contentType: string;
  text(): Promise<string>;
}
