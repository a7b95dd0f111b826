/**
 * The always-on canary: this region writes and reads a profile of its own, as a client with a session
 * would, and looks at those of the others.
 *
 *     beat: read mine ▶ read the others' ▶ write mine ▶ read it back ▶ wait until all regions hold it
 *
 * A guarantee that is broken while nobody looks is found here first: what was acknowledged is gone, a
 * session went back, regions do not converge. Its tenant is one that no credential can name, so that
 * neither lists, feeds nor schemas know of it. A beat that is refused is counted and is no violation: a
 * full disk or a stop breaks no promise.
 */
import type { Clock, Log, Meter, MetricHandle, ProfileId, RegionName, Timer } from "@atoll/core";
import { AtollError, errorText, limits } from "@atoll/core";
import type { ProfileService, SessionOptions } from "@atoll/gateway";
import type { CanaryGuarantee, FoundRecord, Violation } from "./canary-judge.ts";
import { CanaryJudge } from "./canary-judge.ts";
import { canaryProfiles, canaryValue, parseCanary } from "./canary-record.ts";

/** How a region sees another one. */
export interface CanaryPeer {
  readonly region: RegionName;
  readonly isLive: boolean;
  /** Its Merkle root was another one when it was last compared, and nothing is missing here. */
  readonly isDiverged: boolean;
}

export interface CanaryOptions {
  readonly region: RegionName;
  readonly service: Pick<ProfileService, "read" | "write" | "joinSessions">;
  readonly peers: () => readonly CanaryPeer[];
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

type Outcome = "everywhere" | "local" | "refused";

export class Canary {
  readonly #options: CanaryOptions;
  readonly #judge: CanaryJudge;
  readonly #beats: Readonly<Record<Outcome, MetricHandle>>;
  readonly #violations: Readonly<Record<CanaryGuarantee, MetricHandle>>;
  readonly #everywhere: MetricHandle;
  readonly #checked: MetricHandle;
  readonly #leaving = new AbortController();
  #timer: Timer | undefined;
  #token: string | undefined;
  /** Where ours was written last. */
  #own: ProfileId | undefined;
  #seen: Readonly<Record<string, number>> = {};
  #last = 0;

  constructor(options: CanaryOptions) {
    const { region, meter } = options;
    this.#options = options;
    this.#judge = new CanaryJudge(region);
    const beats = (outcome: Outcome) => meter.handle("canary_beats_total", { outcome });
    this.#beats = {
      everywhere: beats("everywhere"),
      local: beats("local"),
      refused: beats("refused"),
    };
    const violations = (guarantee: CanaryGuarantee) =>
      meter.handle("canary_violations_total", { guarantee });
    this.#violations = { G2: violations("G2"), G5: violations("G5"), G6: violations("G6") };
    for (const handle of Object.values(this.#violations)) handle(0); // an alert needs to see none
    this.#everywhere = meter.handle("canary_everywhere_seconds");
    this.#checked = meter.handle("canary_checked_timestamp_seconds");
  }

  start(): void {
    const { clock } = this.#options;
    this.#timer = clock.after(limits.CANARY_PERIOD_MS, () => {
      void this.beat().finally(() => {
        if (!this.#leaving.signal.aborted) this.start();
      });
    });
  }

  stop(): void {
    this.#timer?.cancel();
    this.#leaving.abort(new AtollError("draining", "this region is stopping"));
  }

  /** Never rejects. */
  async beat(): Promise<void> {
    const { clock, log } = this.#options;
    try {
      await this.#lookAtOwn();
      await this.#lookAtOthers();
      const outcome = await this.#write();
      this.#beats[outcome](1);
      this.#checked(clock.nowMs() / 1_000);
    } catch (error) {
      this.#beats.refused(1);
      log.debug("canary-refused", { error: errorText(error) });
    }
  }

  async #lookAtOwn(): Promise<void> {
    const found = await this.#read(this.#own === undefined ? this.#names() : [this.#own]);
    this.#last = Math.max(this.#last, found?.beat ?? 0);
    this.#tell(this.#judge.kept(found?.beat));
  }

  async #lookAtOthers(): Promise<void> {
    const seen: Record<string, number> = { ...this.#seen };
    for (const { region, isLive, isDiverged } of this.#options.peers()) {
      const record = await this.#read(this.#names(region));
      this.#tell(this.#judge.saw({ region, record, isLive, isDiverged }));
      if (record !== undefined) seen[region] = Math.max(seen[region] ?? 0, record.beat);
    }
    this.#seen = seen;
  }

  async #write(): Promise<Outcome> {
    const { service, clock, peers } = this.#options;
    const [id] = this.#names();
    const startedMs = clock.monotonicMs();
    const beat = Math.max(this.#last + 1, clock.nowMs());
    const edit = { kind: "put" as const, value: canaryValue({ beat, seen: this.#seen }) };
    const write = (options: { readonly waitMs?: number }) => {
      const { waitMs } = options;
      const receipt = waitMs === undefined ? undefined : { durability: "all" as const, waitMs };
      return service.write(id, edit, {}, this.#session(), {
        upsert: true,
        ...(receipt && { receipt }),
      });
    };
    const written = await write({});
    this.#token = written.sessionToken;
    this.#own = id;
    this.#last = beat;
    this.#tell(this.#judge.wrote(beat, (await this.#read([id]))?.beat));
    if (peers().length === 0) return "local";
    // The same again changes nothing, and is told where what it found is held.
    const held = await write({ waitMs: limits.CANARY_WAIT_MS });
    if (held.kind !== "written" || held.receipt?.met !== true) return "local";
    this.#everywhere((clock.monotonicMs() - startedMs) / 1_000);
    return "everywhere";
  }

  /** Of the profiles that are there, the newest record. */
  async #read(ids: readonly ProfileId[]): Promise<FoundRecord | undefined> {
    const { service } = this.#options;
    let newest: FoundRecord | undefined;
    for (const id of ids) {
      const answer = await service.read(id, this.#session());
      this.#token =
        this.#token === undefined
          ? answer.sessionToken
          : service.joinSessions([this.#token, answer.sessionToken]);
      const record = answer.kind === "found" ? parseCanary(answer.profile.json) : undefined;
      if (record !== undefined && record.beat > (newest?.beat ?? 0)) {
        newest = { ...record, profile: id };
      }
    }
    return newest;
  }

  #names(region: RegionName = this.#options.region): [ProfileId, ProfileId] {
    return canaryProfiles(region, this.#options.clock.nowMs());
  }

  #session(): SessionOptions {
    const waitMs = limits.SESSION_WAIT_MS_DEFAULT;
    return { token: this.#token, waitMs, handling: "strict", signal: this.#leaving.signal };
  }

  #tell(violations: readonly Violation[]): void {
    for (const { guarantee, detail } of violations) {
      this.#violations[guarantee](1);
      this.#options.log.error("canary-violation", { guarantee, detail });
    }
  }
}
