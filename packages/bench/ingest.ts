/**
 * How fast new profiles come in through REST, and what each costs the server, beside a bare `node:http` server
 * that reads the same bodies to their end and answers as much.
 *
 *     put     PUT of one new profile after the other, 32 clients
 *     batch   the same by pages, of as many as `:batchWrite` allows; two clients, so that one page comes in while
 *             the other is written
 *
 * All included that one region does with a new profile: HTTP, its document, SQLite with an fsync before the
 * answer. Peers are left out: what telling them costs is part of `write`.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { limits } from "@atoll/core";
import type { JsonObject } from "@atoll/profile";
import { canonicalJson } from "@atoll/profile";
import type { Bench, BenchReport } from "./bench.ts";
import { atMost } from "./bench.ts";
import type { CpuProfile } from "./cpu-profile.ts";
import { httpRequest } from "./http-connections.ts";
import { httpProfile } from "./http-profiles.ts";
import type { Requests } from "./http-rounds.ts";
import { Cost, drive } from "./http-rounds.ts";
import { ServerProcess } from "./http-server-process.ts";
import type { Table } from "./table.ts";
import { rounded } from "./table.ts";

const REGION = "us-east-1";
const NORMAL = {
  ...{ page: limits.BATCH_WRITE_MAX, puts: 32, batches: 2, rounds: 4, turnMs: 2_500 },
  warmUpMs: 4_000,
};
const QUICK = { page: 5, puts: 2, batches: 2, rounds: 1, turnMs: 50, warmUpMs: 50 };
/** One profile of so many is asked for at the end; not always the same place of a page. */
const READ_BACK_EVERY = 49;

/** A page that costs more than its profiles one by one would be of no use. */
const BATCH_TO_PUT_MAX = 1;

export const ingestBench: Bench = {
  name: "ingest",
  summary: "server CPU per new profile, one by one and by pages, beside a bare node:http server",

  async run({ quick, profile, directory, tell }): Promise<BenchReport> {
    const size = quick ? QUICK : NORMAL;
    const own = join(directory, REGION);
    mkdirSync(own);
    const prepare = { as: "nothing", profiles: 0 } as const;
    const region = new ServerProcess({
      ...{ kind: "region", region: REGION, regions: [REGION], directory: own, prepare },
    });
    const bare = new ServerProcess({
      ...{ kind: "bare", body: canonicalJson(httpProfile(1)), posted: batchAnswer(size.page) },
    });
    const put = new Way(1, size.puts, putOf);
    const batch = new Way(size.page, size.batches, batchOf);
    const ways = Object.entries({ put, batch });
    const servers = [bare, region];
    try {
      await Promise.all(servers.map((server) => server.listening()));
      for (const server of servers) await server.start({});
      tell("warming up");
      for (const [, way] of ways) {
        await way.drive(bare, new Cost(), size.warmUpMs);
        await way.drive(region, new Cost(), size.warmUpMs);
      }
      tell("by turns"); // one way after the other would give the second the warmer code
      for (let round = 0; round < size.rounds; round++) {
        for (const [, way] of ways) {
          await way.drive(bare, way.bareCost, size.turnMs);
          await way.drive(region, way.cost, size.turnMs);
        }
      }
      const profiles: Record<string, CpuProfile> = {};
      for (const [name, way] of profile ? ways : []) {
        profiles[name] = await region.sampled(() => way.drive(region, new Cost(), size.turnMs));
      }
      tell("reading back");
      for (const [, way] of ways) await way.readBack(region);
      for (const server of servers) await server.stop();
      const figures = { put: put.figures(), batch: batch.figures() };
      return {
        parameters: { ...size },
        figures,
        budgets: [
          atMost(
            "a profile of a page ÷ one by itself, CPU",
            rounded(figures.batch.cpuMicros / figures.put.cpuMicros, 2),
            BATCH_TO_PUT_MAX,
          ),
        ],
        tables: [tableOf(figures)],
        profiles,
      };
    } finally {
      for (const server of servers) server.kill();
    }
  },
};

interface Figures extends JsonObject {
  readonly clients: number;
  readonly profilesPerRequest: number;
  readonly profiles: number;
  readonly cpuMicros: number;
  readonly bareMicros: number;
  readonly ratio: number;
  readonly perSecond: number;
  readonly barePerSecond: number;
}

/** One way to bring profiles in. */
class Way {
  readonly bareCost = new Cost();
  readonly cost = new Cost();
  readonly #perRequest: number;
  readonly #connections: number;
  readonly #requestOf: (first: number, count: number) => Buffer;
  /** To either server; each request brings other profiles. */
  readonly #sentTo = new Map<ServerProcess, number>();

  constructor(
    perRequest: number,
    connections: number,
    requestOf: (first: number, count: number) => Buffer,
  ) {
    this.#perRequest = perRequest;
    this.#connections = connections;
    this.#requestOf = requestOf;
  }

  async drive(server: ServerProcess, cost: Cost, ms: number): Promise<void> {
    const requests = (): Buffer => {
      const sent = this.#sentTo.get(server) ?? 0;
      this.#sentTo.set(server, sent + 1);
      return this.#requestOf(sent * this.#perRequest, this.#perRequest);
    };
    await drive(server, cost, { connections: this.#connections, ms, requests });
  }

  /** A page is answered 200 whatever becomes of its writes: so profiles of all parts are asked for. */
  async readBack(server: ServerProcess): Promise<void> {
    const written = (this.#sentTo.get(server) ?? 0) * this.#perRequest;
    let n = 0;
    const requests: Requests = () => {
      if (n >= written) return undefined;
      const request = httpRequest("GET", pathOf(this.#perRequest, n));
      n += READ_BACK_EVERY;
      return request;
    };
    await drive(server, new Cost(), { connections: 1, ms: Infinity, requests });
  }

  figures(): Figures {
    const micros = (cost: Cost): number => rounded(cost.microsPerRequest / this.#perRequest, 1);
    const perSecond = (cost: Cost): number => Math.round(cost.requestsPerSecond * this.#perRequest);
    return {
      ...{ clients: this.#connections, profilesPerRequest: this.#perRequest },
      profiles: this.cost.requests * this.#perRequest,
      ...{ cpuMicros: micros(this.cost), bareMicros: micros(this.bareCost) },
      ratio: rounded(this.cost.microsPerRequest / this.bareCost.microsPerRequest, 2),
      ...{ perSecond: perSecond(this.cost), barePerSecond: perSecond(this.bareCost) },
    };
  }
}

function tableOf(figures: Readonly<Record<string, Figures>>): Table {
  return {
    title: "Processor time of the server per new profile",
    columns: ["", "clients", "µs", "bare µs", "÷ bare", "profiles", "per second", "bare"],
    rows: Object.entries(figures).map(([name, f]) => [
      ...[name, f.clients, f.cpuMicros, f.bareMicros, f.ratio],
      ...[f.profiles, f.perSecond, f.barePerSecond],
    ]),
  };
}

/** Both ways write other profiles, told apart by the size of their pages. */
function idOf(perRequest: number, n: number): string {
  return `new-${perRequest}-${n}`;
}

function pathOf(perRequest: number, n: number): string {
  return `/v1/profiles/${idOf(perRequest, n)}`;
}

function putOf(n: number): Buffer {
  const body = { type: "application/json", text: JSON.stringify(httpProfile(n)) };
  return httpRequest("PUT", pathOf(1, n), body);
}

function batchOf(first: number, count: number): Buffer {
  const writes = Array.from({ length: count }, (_, i) => ({
    ...{ id: idOf(count, first + i), method: "put", data: httpProfile(first + i) },
  }));
  const body = { type: "application/json", text: JSON.stringify({ writes }) };
  return httpRequest("POST", "/v1/profiles:batchWrite", body);
}

/** As much as a region answers to a page: every profile, as it is now. */
function batchAnswer(count: number): string {
  const items = Array.from({ length: count }, (_, n) => ({
    ...{ id: idOf(count, n), status: 201, data: httpProfile(n) },
  }));
  return canonicalJson({ items });
}
