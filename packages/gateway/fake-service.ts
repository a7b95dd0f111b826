/**
 * A region of one Map, for tests of routes.
 *
 * It evaluates preconditions and merge-patches as the contract says, remembers how it was called,
 * and can be told to answer late, to fail, or to be behind the session `ahead`.
 */
import { createHash } from "node:crypto";
import { AtollError } from "@atoll/core";
import type { ProfileId, RegionName } from "@atoll/core";
import type { JsonObject, JsonValue, ProfileEdit } from "@atoll/profile";
import { FakeFeed } from "./fake-feed.ts";
import type { PastService } from "./past-contract.ts";
import type {
  AdminService,
  Answer,
  AuditEntry,
  PeerState,
  Precondition,
  ProfileService,
  ProfileSnapshot,
  ReadAnswer,
  Receipt,
  SessionOptions,
  WriteAnswer,
  WriteOptions,
} from "./profile-service.ts";

export const FAKE_TOKEN = "AQtoken";
/** A session that has seen what the fake has not. */
export const TOKEN_AHEAD = "AQahead";
export const CREATED_MS = 1_699_999_999_000;

export interface Call {
  readonly id: ProfileId;
  readonly edit?: ProfileEdit;
  readonly precondition?: Precondition;
  readonly session: SessionOptions;
  readonly options?: WriteOptions;
}

interface Stored {
  readonly value: JsonObject;
  readonly version: number;
}

export class FakeService implements ProfileService {
  region = "eu" as RegionName;
  readonly feed = new FakeFeed();
  readonly calls: Call[] = [];
  /** Has everything that any session has seen. */
  isAhead = false;
  /** Of every write that asks for one. */
  receipt: Receipt | undefined;
  /** When set, waits here before it answers, until the signal says that nobody wants to know. */
  waitsForEver = false;
  /** Thrown by the next call, once. */
  failure: unknown = undefined;
  /** Answers reads with a promise instead of at once. */
  late = false;
  hasConflicts = false;
  headCount = 1;
  readonly schema = { source: { type: "object" }, faults: () => [] };
  /** It remembers nothing of the past: routes that ask are tested with a real region. */
  readonly past = new Proxy({} as PastService, {
    get: () => () => Promise.reject(new AtollError("not-found", "a fake has no past")),
  });
  readonly #profiles = new Map<ProfileId, Stored>();
  #lastId = 0;

  read(id: ProfileId, session: SessionOptions): ReadAnswer | Promise<ReadAnswer> {
    this.calls.push({ id, session });
    if (this.#isBehind(session)) return this.#wait(session).then(() => this.read(id, session));
    const answer = (): ReadAnswer => {
      const base = this.#answer(session);
      const stored = this.#profiles.get(id);
      return stored === undefined
        ? { ...base, kind: "absent" }
        : { ...base, kind: "found", profile: this.#snapshot(id, stored) };
    };
    return this.late ? Promise.resolve().then(answer) : answer();
  }

  async write(
    id: ProfileId,
    edit: ProfileEdit,
    precondition: Precondition,
    session: SessionOptions,
    options: WriteOptions,
  ): Promise<WriteAnswer> {
    this.calls.push({ id, edit, precondition, session, options });
    if (this.#isBehind(session)) await this.#wait(session);
    await Promise.resolve();
    const base = this.#answer(session);
    const stored = this.#profiles.get(id);
    this.#check(id, stored, precondition);
    const receipt = options.receipt && this.receipt;
    if (edit.kind === "delete") {
      return { ...base, kind: "deleted", existed: this.#profiles.delete(id), receipt };
    }
    if (edit.kind === "merge-patch" && stored === undefined && !options.upsert) {
      return { ...base, kind: "absent" };
    }
    const value = edited(stored?.value, edit);
    const next = { value, version: (stored?.version ?? 0) + 1 };
    this.#profiles.set(id, next);
    const profile = this.#snapshot(id, next);
    const created = stored === undefined;
    return { ...base, kind: "written", created, changed: true, profile, receipt };
  }

  /** Of many at once, as of the past: routes are tested with a real region. */
  readMany(): Promise<never> {
    return Promise.reject(new AtollError("not-found", "a fake has one at a time"));
  }

  list(): Promise<never> {
    return this.readMany();
  }

  joinSessions(): string {
    return FAKE_TOKEN;
  }

  newProfileId(): ProfileId {
    return `new-${++this.#lastId}` as ProfileId;
  }

  #answer(session: SessionOptions): Answer {
    const { failure } = this;
    this.failure = undefined;
    if (failure !== undefined) throw failure as Error;
    return { sessionToken: FAKE_TOKEN, stale: session.token === TOKEN_AHEAD && !this.isAhead };
  }

  #isBehind({ token, handling }: SessionOptions): boolean {
    return token === TOKEN_AHEAD && handling === "strict" && !this.isAhead;
  }

  /** As a region does that does not catch up in time. */
  async #wait({ signal }: SessionOptions): Promise<void> {
    if (this.waitsForEver) {
      await new Promise((_resolve, reject) => {
        signal?.addEventListener("abort", () => reject(signal.reason as Error));
      });
    }
    await Promise.resolve();
    throw new AtollError("session-not-available", "this region is behind the session", {
      missingRegions: ["us"],
      retryAfterSeconds: 2,
    });
  }

  #check(id: ProfileId, stored: Stored | undefined, condition: Precondition): void {
    const etag = stored === undefined ? undefined : this.#snapshot(id, stored).etag;
    const { ifMatch, ifNoneMatch } = condition;
    const fails =
      (ifMatch !== undefined && !matches(ifMatch, etag)) ||
      (ifNoneMatch !== undefined && matches(ifNoneMatch, etag));
    if (!fails) return;
    const data = etag === undefined ? {} : { etag: `"${etag}"` };
    throw new AtollError("precondition-failed", "the profile has another version", data);
  }

  #snapshot(id: ProfileId, { value, version }: Stored): ProfileSnapshot {
    const heads = Array.from({ length: this.headCount }, (_, i) =>
      sha256(`${version}.${i}`, "hex"),
    );
    return {
      id,
      json: canonical(value),
      etag: sha256(heads.join(), "base64url").slice(0, 22),
      heads,
      createdAtMs: CREATED_MS,
      updatedAtMs: CREATED_MS + version * 1000,
      hasConflicts: this.hasConflicts,
    };
  }
}

const CONTENT = {
  exists: true,
  deleted: false,
  profile: {},
  heads: [],
  changes: [],
  conflicts: [],
};
export const FACTS = {
  ...{ docId: "", profileId: "a", tenant: "default", shard: 0, deleted: false, quarantined: false },
  ...{ changes: 1, sum: "", heads: [], conflicts: 0, createdAt: "", updatedAt: "" },
};

export class FakeAdmin implements AdminService {
  checks: { check: string; ok: boolean; detail?: string }[] = [{ check: "store", ok: true }];
  readonly stateByPeer = new Map<string, PeerState>([["us", "active"]]);

  readonly links = [{ region: "us", state: "live", lagMs: 120 }];

  readonly records = new Map<number, { readonly id: number; readonly bytes: string }>();
  verifying = false;

  readonly quarantine = {
    list: (limit: number) => ({
      total: this.records.size,
      entries: [...this.records.values()].slice(0, limit).map(({ id }) => ({ id })),
    }),
    show: (id: number) => this.records.get(id),
    retry: (id: number) =>
      Promise.resolve(
        this.records.has(id) ? { id, outcome: "quarantined", reason: "still bad" } : undefined,
      ),
    drop: (id: number) => Promise.resolve(this.records.delete(id)),
  };

  /** It holds nothing: what is answered at a cut is tested with real regions. */
  readonly truth = {
    holdings: () => Promise.resolve({ region: "eu", held: { eu: 1 }, horizon: {}, shards: 1 }),
    shards: (cut: object) => ({ region: "eu", cut, root: {}, shards: [] }),
    node: () => ({ children: [], documents: [] }),
    above: () => ({ total: {}, complete: true, documents: [], next: null }),
    statement: () => ({ statement: {}, signature: "" }),
    keys: () => ({ cluster: "c", keys: {} }),
  };

  readonly documents = {
    facts: (docId: string) => this.tenantByDocument.get(docId),
    content: (docId: string) => (this.tenantByDocument.has(docId) ? CONTENT : undefined),
    chunks: (docId: string) => (this.tenantByDocument.has(docId) ? new Uint8Array([1]) : undefined),
    preview: () => ({ here: {}, there: {}, merged: {}, changes: {}, edits: {}, conflicts: [] }),
  };
  readonly tenantByDocument = new Map<string, typeof FACTS>();

  actors() {
    return [{ origin: "1.0.x" }];
  }

  readonly scrub = {
    verify: () => {
      if (this.verifying) return false;
      this.verifying = true;
      return true;
    },
    report: () => ({ state: this.verifying ? "running" : "never", progress: {}, faults: {} }),
  };

  readonly metrics = {
    contentType: "text/plain; version=0.0.4; charset=utf-8",
    text: () => Promise.resolve("atoll_ready 1\n"),
  };

  config() {
    return { region: "eu" };
  }

  build() {
    return { version: "1.2.3" };
  }

  readiness() {
    return this.checks;
  }

  status() {
    return { region: "eu", peers: Object.fromEntries(this.stateByPeer) };
  }

  readonly recorded: AuditEntry[] = [];
  readonly audit = {
    record: (entry: AuditEntry) => void this.recorded.push(entry),
    list: (limit: number) => this.recorded.slice(-limit).reverse(),
  };

  setDrained(drained: boolean): void {
    this.checks = [{ check: "drained", ok: !drained }];
  }

  compareWith(region: string): boolean {
    return this.stateByPeer.get(region) === "active";
  }

  setPeerState(region: string, state: PeerState): boolean {
    if (!this.stateByPeer.has(region)) return false;
    this.stateByPeer.set(region, state);
    return true;
  }
}

function matches(wanted: "*" | readonly string[], etag: string | undefined): boolean {
  return etag !== undefined && (wanted === "*" || wanted.includes(etag));
}

function edited(before: JsonObject | undefined, edit: ProfileEdit): JsonObject {
  if (edit.kind === "put") return edit.value;
  if (edit.kind === "merge-patch") return merged(before ?? {}, edit.patch) as JsonObject;
  return before ?? {};
}

function merged(target: JsonValue | undefined, patch: JsonValue): JsonValue {
  if (!isObject(patch)) return patch;
  const members = new Map(Object.entries(isObject(target) ? target : {}));
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) members.delete(name);
    else members.set(name, merged(members.get(name), value));
  }
  return Object.fromEntries(members);
}

function canonical(value: JsonValue): string {
  return JSON.stringify(value, (_key, inner: JsonValue) =>
    isObject(inner) ? Object.fromEntries(Object.entries(inner).sort()) : inner,
  );
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function sha256(text: string, encoding: "hex" | "base64url"): string {
  return createHash("sha256").update(text).digest(encoding);
}
