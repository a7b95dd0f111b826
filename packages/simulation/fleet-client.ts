/**
 * Clients of the simulated fleet: requests go straight to the region's service, as the gateway's would.
 *
 * A request to a region that is down is refused, as a connection would be. One that is under way when its
 * region dies stays unclear for ever. An answer is compared on the spot with what is on the disk.
 */
import type { ProfileId } from "@atoll/core";
import { isAtollError } from "@atoll/core";
import type { ProfileEdit } from "@atoll/profile";
import type { ReadAnswer, WriteAnswer } from "@atoll/replica";
import type { SimFleet } from "./fleet.ts";
import type { SimRegion } from "./region.ts";
import { ProcessDied } from "./store-door.ts";
import type { Outcome, ProfileClient, RequestOptions, WriteRequest } from "./workload/client.ts";

/** What a write may have done although it was answered with an error. */
const DOUBTFUL: readonly string[] = ["internal", "outcome-unknown"];
const RECEIPT_WAIT_MS = 3_000;

export class FleetClient implements ProfileClient {
  readonly #fleet: SimFleet;

  constructor(fleet: SimFleet) {
    this.#fleet = fleet;
  }

  read(place: number, id: string, options: RequestOptions): Promise<Outcome> {
    return this.#ask(place, async (region) => {
      const { service } = region.driver;
      const answer = await service.read(id as ProfileId, options);
      return outcomeOf(answer);
    });
  }

  write(place: number, id: string, edit: ProfileEdit, request: WriteRequest): Promise<Outcome> {
    const { ifMatch, ifNoneMatch, durability } = request;
    const precondition = {
      ...(ifMatch !== undefined && { ifMatch }),
      ...(ifNoneMatch !== undefined && { ifNoneMatch }),
    };
    return this.#ask(place, async (region) => {
      const receipt = durability && { durability, waitMs: RECEIPT_WAIT_MS };
      const answer = await region.driver.service.write(
        id as ProfileId,
        edit,
        precondition,
        request,
        {
          upsert: true,
          ...(receipt !== undefined && { receipt }),
        },
      );
      this.#fleet.kept.acknowledged(region, answer, this.#fleet.regions);
      return outcomeOf(answer);
    });
  }

  #ask(place: number, ask: (region: SimRegion) => Promise<Outcome>): Promise<Outcome> {
    const { regions, world } = this.#fleet;
    const region = regions[place % regions.length] as SimRegion;
    if (!region.isUp) return Promise.resolve({ kind: "refused", code: "unreachable" });
    world.promised++;
    return new Promise((resolve) => {
      let isOver = false;
      const end = (outcome: Outcome): void => {
        if (isOver) return;
        isOver = true;
        world.promised--;
        forget();
        resolve(outcome);
      };
      const forget = region.inFlight(() => end({ kind: "unknown" }));
      ask(region).then(end, (error: unknown) => {
        if (isOver || error instanceof ProcessDied) return;
        if (!isAtollError(error)) {
          const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
          this.#fleet.fail({ checker: "no-crash", message: `${region.name}: ${text}` });
          return end({ kind: "unknown" });
        }
        const isDoubtful = DOUBTFUL.includes(error.code);
        end(isDoubtful ? { kind: "unknown" } : { kind: "refused", code: error.code });
      });
    });
  }
}

function outcomeOf(answer: ReadAnswer | WriteAnswer): Outcome {
  const { sessionToken: token, stale: isStale } = answer;
  const durableIn = "receipt" in answer ? answer.receipt?.durableIn : undefined;
  const receipt = durableIn && { durableIn };
  switch (answer.kind) {
    case "found":
    case "written": {
      const { json, etag, heads } = answer.profile;
      const changed = answer.kind === "written" ? { changed: answer.changed } : {};
      return { kind: "found", json, etag, heads, token, isStale, ...changed, ...receipt };
    }
    case "deleted":
      return { kind: "absent", token, isStale, existed: answer.existed, ...receipt };
    case "absent":
      return { kind: "absent", token, isStale };
  }
}
