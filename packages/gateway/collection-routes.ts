/**
 * Profiles by the many: creating one, lists, batches of reads and of writes.
 *
 * A batch is its parts in one request: each write is atomic alone and answers for itself, and all of them
 * end in the same group commit. A page is as long as asked for, or as much as one answer holds.
 */
import type { Express, Request } from "express";
import { AtollError, limits, toHex } from "@atoll/core";
import type { ProfileId } from "@atoll/core";
import type { ProfileEdit } from "@atoll/profile";
import type { Reply } from "./answer.ts";
import { sendCoded } from "./answer.ts";
import { mountOperations } from "./contract-routes.ts";
import { createProfile } from "./contract/create.ts";
import { parseBody, parseQuery } from "./contract/operation.ts";
import { batchGet, listProfiles, queryProfiles } from "./contract/reads.ts";
import type { BatchedWrite } from "./contract/writes.ts";
import { batchWrite } from "./contract/writes.ts";
import { isAnswerable, leastReached, outcomeItem, profileItem } from "./batch-items.ts";
import type { Exchange } from "./exchange.ts";
import { PROFILES, ofReading } from "./exchange.ts";
import { idempotencyOf } from "./idempotency.ts";
import { JSON_TYPE } from "./media-type.ts";
import {
  authorshipOf,
  ownProfile,
  principalOf,
  refuseOtherFields,
  shownFields,
  shownId,
  tenantOf,
} from "./ownership.ts";
import { parsePrefer, preferenceApplied } from "./prefer.ts";
import { requestNames } from "./problem.ts";
import type { Preferences } from "./prefer.ts";
import type { Durability, Precondition, WriteOptions, WriteAnswer } from "./profile-service.ts";
import { envelopeOf } from "./representation.ts";
import { readBatch, readJsonBody } from "./request.ts";
import { writePrecondition } from "./validators.ts";

/** A new id is nobody's yet; should it ever not be, nothing is overwritten. */
const CREATE_ONLY: Precondition = { ifNoneMatch: "*" };

export function mountCollectionRoutes(app: Express, exchange: Exchange): void {
  const { service } = exchange;

  async function post(request: Request, reply: Reply): Promise<void> {
    const asked = exchange.writingOf(request, reply);
    const { value, bytes } = await readJsonBody(request, JSON_TYPE);
    const edit: ProfileEdit = { kind: "put", value };
    const writing = { ...asked, body: bytes };
    await exchange.write(
      request,
      reply,
      ownProfile(reply, service.newProfileId()),
      edit,
      CREATE_ONLY,
      writing,
    );
  }

  async function list(request: Request, reply: Reply): Promise<void> {
    const { pageSize, pageToken, orderBy, updatedSince, fields } = parseQuery(
      request,
      listProfiles.query,
    );
    const tenant = tenantOf(reply);
    const shown = shownFields(reply, fields);
    const after = pageToken?.order === "id" ? atProfile(reply, pageToken) : pageToken;
    const page = { tenant, order: orderBy, limit: pageSize, sinceMs: updatedSince, after };
    await exchange.read(request, reply, {
      async ask(session) {
        await exchange.turns.next();
        return service.list(page, session);
      },
      answer({ profiles, next }, headers) {
        const items = profiles.map((profile) => envelopeOf(profile, service.schema, shown));
        const all = { "Content-Type": JSON_TYPE, ...headers };
        if (next === undefined) return sendCoded(reply, 200, all, `{"items":[${items.join()}]}`);
        const words =
          next.order === "id"
            ? [next.order, shownId(next.after)]
            : [next.order, next.since, toHex(next.after)];
        const token = Buffer.from(JSON.stringify(words)).toString("base64url");
        const query = new URLSearchParams(new URL(request.originalUrl, "http://atoll").search);
        query.set("pageToken", token);
        const link = { ...all, Link: `<${PROFILES}?${query.toString()}>; rel="next"` };
        const body = `{"items":[${items.join()}],"nextPageToken":${JSON.stringify(token)}}`;
        return sendCoded(reply, 200, link, body);
      },
    });
  }

  async function many(request: Request, reply: Reply): Promise<void> {
    const { value, bytes } = await readBatch(request);
    const { ids, fields: asked } = parseBody(value, batchGet.body["application/json"]);
    const fields = shownFields(reply, asked);
    const own = ids.map((id) => ownProfile(reply, id));
    await exchange.read(request, reply, {
      body: bytes,
      async ask(session) {
        await exchange.turns.next();
        return service.readMany(own, session);
      },
      answer({ profiles }, headers) {
        const items = profiles.map((profile, i) =>
          profile === undefined
            ? JSON.stringify({ id: ids[i], status: 404 })
            : profileItem(profile, 200, { schema: service.schema, fields }),
        );
        if (items.reduce((chars, item) => chars + item.length, 0) > limits.MANY_CHARS_MAX) {
          throw new AtollError("payload-too-large", "the answer would be too large: ask for fewer");
        }
        const all = { "Content-Type": JSON_TYPE, ...headers };
        return sendCoded(reply, 200, all, `{"items":[${items.join()}]}`);
      },
    });
  }

  async function writes(request: Request, reply: Reply): Promise<void> {
    const { value, bytes } = await readBatch(request);
    const batch = parseBody(value, batchWrite.body["application/json"]).writes;
    const preconditions = batch.map(({ ifMatch, ifNoneMatch }) =>
      writePrecondition({
        ...(ifMatch !== undefined && { "if-match": ifMatch }),
        ...(ifNoneMatch !== undefined && { "if-none-match": ifNoneMatch }),
      }),
    );
    for (const write of batch) refuseOtherFields(reply, editOf(write));
    const attempts = batch.map((_write, part) =>
      idempotencyOf(request, principalOf(reply).name, bytes, part),
    );
    const preferences = parsePrefer(request.get("prefer"));
    const answering = {
      schema: service.schema,
      preferences,
      fields: shownFields(reply, undefined),
      names: requestNames(reply),
    };
    await exchange.read(request, reply, {
      body: bytes,
      async ask(session, receipt) {
        // Admitted once, for all: a batch that is handed on has not been begun.
        const admitted = await service.readMany([], session);
        const writing: Promise<PromiseSettledResult<WriteAnswer>[]>[] = [];
        for (const [part, write] of batch.entries()) {
          if (part % limits.BATCH_WRITES_IN_TURN === 0) await exchange.turns.next();
          const { baseVersion: base } = write;
          const idempotency = attempts[part];
          const options: WriteOptions = {
            upsert: "upsert" in write && write.upsert,
            ...authorshipOf(reply),
            ...(base !== undefined && { base }),
            ...(idempotency !== undefined && { idempotency }),
            ...(receipt !== undefined && { receipt }),
          };
          const precondition = preconditions[part] ?? {};
          const id = ownProfile(reply, write.id);
          // Settled one by one: a refusal must not go unheard while others wait for their turn.
          const written = service.write(id, editOf(write), precondition, session, options);
          writing.push(Promise.allSettled([written]));
        }
        const outcomes = (await Promise.all(writing)).flat();
        for (const outcome of outcomes) {
          if (outcome.status === "rejected" && !isAnswerable(outcome.reason)) throw outcome.reason;
        }
        const done = outcomes.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
        const tokens = [admitted, ...done].map((answer) => answer.sessionToken);
        return { sessionToken: service.joinSessions(tokens), stale: admitted.stale, outcomes };
      },
      answer({ outcomes }, headers) {
        const items = outcomes.map((outcome, part) =>
          outcomeItem(batch[part]?.id, outcome, answering),
        );
        const applied = preferenceApplied(honoured(preferences, leastReached(outcomes)));
        const all = {
          ...headers,
          "Content-Type": JSON_TYPE,
          ...(applied !== undefined && { "Preference-Applied": applied }),
        };
        return sendCoded(reply, 200, all, `{"items":[${items.join()}]}`, { mustTell: true });
      },
    });
  }

  mountOperations(app, [
    [createProfile, post],
    [listProfiles, list],
    [queryProfiles, many],
    [batchGet, many],
    [batchWrite, writes],
  ]);
}

/** A token holds the id as its client knows it. */
function atProfile(reply: Reply, place: { readonly order: "id"; readonly after: ProfileId }) {
  return { ...place, after: ownProfile(reply, place.after) };
}

/** As of a reading, and what the parts made of the rest. */
function honoured(preferences: Preferences, durability: Durability | undefined): Preferences {
  const { return: returned } = preferences;
  return {
    ...ofReading(preferences),
    ...(returned !== undefined && { return: returned }),
    ...(durability !== undefined && { durability }),
  };
}

function editOf(write: BatchedWrite): ProfileEdit {
  switch (write.method) {
    case "put":
      return { kind: "put", value: write.data };
    case "mergePatch":
      return { kind: "merge-patch", patch: write.patch };
    case "jsonPatch":
      return { kind: "json-patch", operations: write.operations };
    case "operations":
      return { kind: "operations", operations: write.operations };
    case "delete":
      return { kind: "delete" };
  }
}
