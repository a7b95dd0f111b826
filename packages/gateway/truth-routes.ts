/** `/admin/v1/merkle`: this region's side of "do all regions hold the same?". */
import type { Express, Request } from "express";
import { AtollError, parseTreeNode } from "@atoll/core";
import { sendJson } from "./answer.ts";
import type { Reply } from "./answer.ts";
import { mountOperations } from "./contract-routes.ts";
import {
  comparePeer,
  getAboveCut,
  getHoldings,
  getKeys,
  getNode,
  getShardSums,
  getStatement,
} from "./contract/admin-truth.ts";
import { parseQuery } from "./contract/operation.ts";
import { JSON_TYPE } from "./media-type.ts";
import type { AdminService } from "./profile-service.ts";
import { readJsonObject } from "./request.ts";

export function mountTruthRoutes(app: Express, admin: AdminService): void {
  const { truth } = admin;

  function shards(request: Request, reply: Reply): void {
    sendJson(reply, 200, truth.shards(parseQuery(request, getShardSums.query).cut));
  }

  function node(request: Request, reply: Reply): void {
    const { cut, depth, index, fanBits } = parseQuery(request, getNode.query);
    const parsed = parseTreeNode(depth, index);
    if (parsed === undefined || depth + fanBits > 52) {
      throw new AtollError("malformed-request", "there is no such node");
    }
    sendJson(reply, 200, truth.node(cut, parsed, fanBits));
  }

  function above(request: Request, reply: Reply): void {
    const { cut, after, limit } = parseQuery(request, getAboveCut.query);
    sendJson(reply, 200, truth.above(cut, { after, limit }));
  }

  function statement(request: Request, reply: Reply): void {
    sendJson(reply, 200, truth.statement(parseQuery(request, getStatement.query).cut));
  }

  async function compare(request: Request, reply: Reply): Promise<void> {
    const { region } = request.params;
    await readJsonObject(request, JSON_TYPE);
    if (typeof region !== "string" || !admin.compareWith(region)) {
      throw new AtollError("not-found", "no peer of this name is linked now");
    }
    sendJson(reply, 202, { region });
  }

  mountOperations(app, [
    [getHoldings, async (_request, reply) => sendJson(reply, 200, await truth.holdings())],
    [getShardSums, shards],
    [getNode, node],
    [getAboveCut, above],
    [getStatement, statement],
    [getKeys, (_request, reply) => sendJson(reply, 200, truth.keys())],
    [comparePeer, compare],
  ]);
}
