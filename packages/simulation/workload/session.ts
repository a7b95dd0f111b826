/**
 * One client: does its operations one after the other, keeps its token, and writes the history.
 *
 * The token of each answer goes with the next request, to whichever region that goes: that is the whole
 * contract of a session. Operations without a token are another client that happens to share the queue.
 */
import type { JsonObject, ProfileEdit } from "@atoll/profile";
import type { Outcome, ProfileClient, WriteRequest } from "./client.ts";
import type { Call, History } from "./history.ts";
import type { Operation } from "./operation.ts";

export class Session {
  readonly #client: ProfileClient;
  readonly #history: History;
  readonly #nowMs: () => number;
  readonly #queue: Operation[] = [];
  readonly #tagById = new Map<string, string>();
  #token: string | undefined;
  #isBusy = false;

  constructor(options: {
    readonly client: ProfileClient;
    readonly history: History;
    readonly nowMs: () => number;
  }) {
    this.#client = options.client;
    this.#history = options.history;
    this.#nowMs = options.nowMs;
  }

  /** Operations that wait or are under way. */
  get open(): number {
    return this.#queue.length + (this.#isBusy ? 1 : 0);
  }

  add(operation: Operation): void {
    this.#queue.push(operation);
    if (!this.#isBusy) void this.#work();
  }

  async #work(): Promise<void> {
    this.#isBusy = true;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      await this.#do(next);
    }
    this.#isBusy = false;
  }

  async #do(operation: Operation): Promise<void> {
    const { action, id } = operation;
    switch (action.kind) {
      case "read":
        await this.#read(operation);
        return;
      case "edit":
        await this.#write(operation, action.edit, {});
        return;
      case "create":
        await this.#write(operation, action.edit, { ifNoneMatch: "*" });
        return;
      case "mark": {
        const edit = patch({ marks: { [action.mark]: true } });
        await this.#write(operation, edit, {}, { mark: action.mark });
        return;
      }
      case "stale-tag": {
        const tag = this.#tagById.get(id);
        if (tag !== undefined) await this.#write(operation, action.edit, { ifMatch: [tag] });
        return;
      }
      case "set-add":
      case "set-remove":
        return this.#changeSet(operation, action);
    }
  }

  async #changeSet(
    operation: Operation,
    action: Operation["action"] & { readonly kind: "set-add" | "set-remove" },
  ): Promise<void> {
    const read = await this.#read(operation);
    const { outcome } = read;
    const isThere = outcome?.kind === "found";
    if (!isThere && outcome?.kind !== "absent") return;
    const elements = isThere ? elementsOf(outcome.json) : [];
    const condition: Pick<WriteRequest, "ifMatch" | "ifNoneMatch"> = isThere
      ? { ifMatch: [outcome.etag] }
      : { ifNoneMatch: "*" };
    if (action.kind === "set-add") {
      const { element } = action;
      const edit = patch({
        interests: [...elements.filter((other) => other !== element), element],
      });
      await this.#write(operation, edit, condition, { added: element, basedOn: read.index });
    } else if (elements.length > 0) {
      const removed = elements[action.pick % elements.length] as string;
      const edit = patch({ interests: elements.filter((other) => other !== removed) });
      await this.#write(operation, edit, condition, { removed, basedOn: read.index });
    }
  }

  #read(operation: Operation): Promise<Call> {
    const { region, id } = operation;
    const options = this.#optionsOf(operation);
    const call = this.#history.begin({ ...this.#about(operation), edit: undefined });
    return this.#finish(call, operation, this.#client.read(region, id, options));
  }

  #write(
    operation: Operation,
    edit: ProfileEdit,
    condition: Pick<WriteRequest, "ifMatch" | "ifNoneMatch">,
    about: Partial<Pick<Call, "mark" | "added" | "removed" | "basedOn">> = {},
  ): Promise<Call> {
    const { region, id, durability } = operation;
    const request = {
      ...this.#optionsOf(operation),
      ...condition,
      ...(durability && { durability }),
    };
    const call = this.#history.begin({ ...this.#about(operation), edit, ...about });
    return this.#finish(call, operation, this.#client.write(region, id, edit, request));
  }

  #optionsOf(operation: Operation): WriteRequest {
    const { waitMs, handling, usesToken } = operation;
    return { token: usesToken ? this.#token : undefined, waitMs, handling };
  }

  #about(operation: Operation): Pick<Call, "session" | "region" | "id" | "token" | "invokedMs"> {
    const { session, region, id, usesToken } = operation;
    const token = usesToken ? this.#token : undefined;
    return {
      session: usesToken ? session : -1 - this.#history.calls.length, // nobody's
      region,
      id,
      token,
      invokedMs: this.#nowMs(),
    };
  }

  async #finish(call: Call, operation: Operation, answer: Promise<Outcome>): Promise<Call> {
    const outcome = await answer;
    call.outcome = outcome;
    call.completedMs = this.#nowMs();
    if (outcome.kind === "found") this.#tagById.set(call.id, outcome.etag);
    const isOurs = operation.usesToken && (outcome.kind === "found" || outcome.kind === "absent");
    if (isOurs) this.#token = outcome.token;
    return call;
  }
}

function patch(members: JsonObject): ProfileEdit {
  return { kind: "merge-patch", patch: members };
}

export function elementsOf(json: string): string[] {
  const { interests } = JSON.parse(json) as { interests?: string[] };
  return Array.isArray(interests) ? interests : [];
}
