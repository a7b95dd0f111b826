/**
 * Frames of a peer on a link that is up: everything two regions said to each other, mutated, said again.
 *
 * What decodes is the same when it is written and read again; the region lives, serves, and finds its peer.
 */
import type { Cluster, Region, RegionCode } from "@atoll/core";
import { ManualClock, SeededRandom, limits, must, silentLog } from "@atoll/core";
import { RegionDriver } from "@atoll/replica";
import { MemoryStore } from "@atoll/store";
import type { LinkId, Transport, TransportHandler } from "@atoll/sync";
import { MemoryNetwork, decodeFrame, encodeMessage } from "@atoll/sync";
import { ADA, BOB, EDITS, cluster, codec } from "./fleet.ts";
import { mutateBytes } from "./mutations.ts";
import type { FuzzTarget } from "./target.ts";
import { expectThat } from "./target.ts";

const STEP_MS = 25;
const TALK_MS = 3_000;
/** A link that was closed for its frames is dialled again. */
const RELINK_MS_MAX = 4 * limits.REDIAL_MS_MAX;
const SEEDS_MAX = 60;

/** Hears what its region hears, and can say more. */
class Eavesdropper implements Transport {
  readonly heard: Uint8Array[] = [];
  readonly #real: Transport;
  #handler: TransportHandler | undefined;
  #link: LinkId | undefined;

  constructor(real: Transport) {
    this.#real = real;
  }

  get isUp(): boolean {
    return this.#link !== undefined;
  }

  attach(handler: TransportHandler): void {
    this.#handler = handler;
    this.#real.attach({
      linkUp: (link, dialled, identity) => {
        this.#link = link;
        handler.linkUp(link, dialled, identity);
      },
      frame: (link, bytes) => {
        if (this.heard.length < 10 * SEEDS_MAX) this.heard.push(bytes.slice());
        handler.frame(link, bytes);
      },
      linkDown: (link, reason) => {
        if (this.#link === link) this.#link = undefined;
        handler.linkDown(link, reason);
      },
    });
  }

  say(frame: Uint8Array): void {
    if (this.#link !== undefined) this.#handler?.frame(this.#link, frame);
  }

  dial(url: string): LinkId {
    return this.#real.dial(url);
  }
  send(link: LinkId, frame: Uint8Array): void {
    this.#real.send(link, frame);
  }
  backlogBytes(link: LinkId): number {
    return this.#real.backlogBytes(link);
  }
  close(link: LinkId, reason: string): void {
    this.#real.close(link, reason);
  }
  stop(): Promise<void> {
    return this.#real.stop();
  }
}

export const frameTarget: FuzzTarget = {
  name: "frame",
  summary:
    "a frame of a linked peer: decoded as it was meant or refused; the region lives and links",

  async open() {
    const clock = new ManualClock();
    const random = new SeededRandom("frames");
    const network = new MemoryNetwork({ clock, random, delayMs: { min: 5, max: 5 } });
    const [one, other] = cluster.regions as [Region, Region];
    const tap = new Eavesdropper(network.transport(one.name));
    const drivers = [
      driverOf(cluster, one, tap, clock),
      driverOf(cluster, other, network.transport(other.name), clock),
    ] as const;
    const pass = async (ms: number): Promise<void> => {
      for (let passed = 0; passed < ms; passed += STEP_MS) {
        clock.advance(STEP_MS);
        for (let i = 0; i < 5; i++) await Promise.resolve();
      }
    };
    for (const driver of drivers) driver.start();
    for (const edit of EDITS) {
      for (const [i, { service }] of drivers.entries()) {
        const id = i === 0 ? ADA : BOB;
        const options = { token: undefined, waitMs: 0, handling: "strict" } as const;
        void service.write(id, edit, {}, options, { upsert: true });
        await pass(100);
      }
    }
    await pass(TALK_MS);
    const seeds = chosen(tap.heard);
    return {
      seeds,
      mutate: (frame, mutating) => {
        const from = must(seeds[mutating.below(seeds.length)], "a frame");
        return mutateBytes(frame, mutating, from);
      },
      async run(frame) {
        const decoded = decodeFrame(frame);
        if (decoded.kind === "message") {
          const again = decodeFrame(encodeMessage(decoded.message, decoded.version));
          expectThat(again.kind === "message", "what was read cannot be written and read again");
        }
        tap.say(frame);
        await pass(STEP_MS);
        for (let waitedMs = 0; !tap.isUp && waitedMs < RELINK_MS_MAX; waitedMs += STEP_MS) {
          await pass(STEP_MS);
        }
        expectThat(tap.isUp, "the region does not link any more");
        const { replica } = drivers[0];
        for (const id of [ADA, BOB]) {
          expectThat(replica.read(id).snapshot !== undefined, `${id} is not served any more`);
        }
        expectThat(
          drivers[0].readiness().every(({ ok }) => ok),
          "the region is not ready any more",
        );
      },
      close: async () => {
        for (const driver of drivers) await driver.close();
      },
    };
  },
};

function driverOf(
  of: Cluster,
  region: Region,
  transport: Transport,
  clock: ManualClock,
): RegionDriver {
  const peers = new Map<RegionCode, string>(
    of.regions
      .filter((peer) => peer !== region)
      .map(({ code, name }) => [code, `memory://${name}`]),
  );
  return new RegionDriver({
    ...{ cluster: of, region, transport, clock, peers, codec },
    ...{ store: new MemoryStore(), random: new SeededRandom(region.name), log: silentLog },
    version: "fuzz",
  });
}

/** Some of every kind: the second byte. */
function chosen(heard: readonly Uint8Array[]): Uint8Array[] {
  const byKind = new Map<number, Uint8Array[]>();
  for (const frame of heard) {
    const kind = byKind.get(frame[1] ?? 0) ?? [];
    if (kind.length < 8) kind.push(frame);
    byKind.set(frame[1] ?? 0, kind);
  }
  return [...byKind.values()].flat().slice(0, SEEDS_MAX);
}
