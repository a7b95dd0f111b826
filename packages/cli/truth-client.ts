/** Asking a region what it holds at a cut: the routes under `/admin/v1/merkle`, typed. */
import type {
  AboveReport,
  HoldingsReport,
  KeysReport,
  NodeReport,
  ShardsReport,
  SignedStatement,
} from "@atoll/server";
import {
  aboveReport,
  holdingsReport,
  keysReport,
  nodeReport,
  shardsReport,
  statementReport,
} from "@atoll/server";
import type { AdminClient } from "./admin-client.ts";
import type { Cut } from "./common-cut.ts";
import { cutText } from "./common-cut.ts";
import type { Shape } from "./shape.ts";
import { shaped } from "./shape.ts";

export interface TreePlace {
  readonly depth: number;
  readonly index: number;
}

export class TruthClient {
  readonly #admin: AdminClient;

  constructor(admin: AdminClient) {
    this.#admin = admin;
  }

  async holdings(): Promise<HoldingsReport> {
    return this.#get("/merkle", holdingsReport);
  }

  /** Rejects with cut-unavailable, as all that take a cut. */
  shards(cut: Cut): Promise<ShardsReport> {
    return this.#get(`/merkle/shards?cut=${cutText(cut)}`, shardsReport);
  }

  node(cut: Cut, { depth, index }: TreePlace, fanBits: number): Promise<NodeReport> {
    const place = `depth=${depth}&index=${index}&fanBits=${fanBits}`;
    return this.#get(`/merkle/node?cut=${cutText(cut)}&${place}`, nodeReport);
  }

  above(cut: Cut, after: string | null): Promise<AboveReport> {
    const from = after === null ? "" : `&after=${after}`;
    return this.#get(`/merkle/above?cut=${cutText(cut)}${from}`, aboveReport);
  }

  statement(cut: Cut): Promise<SignedStatement> {
    return this.#get(`/merkle/statement?cut=${cutText(cut)}`, statementReport);
  }

  keys(): Promise<KeysReport> {
    return this.#get("/keys", keysReport);
  }

  async #get<T>(path: string, shape: Shape<T>): Promise<T> {
    const { body } = await this.#admin.ask("GET", path);
    return shaped(body, shape);
  }
}
