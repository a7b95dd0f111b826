// One client: its operations in order, its token with each request, and a history that says what happened.
import { expect, test } from "vitest";
import type { Outcome, ProfileClient, WriteRequest } from "./client.ts";
import { History } from "./history.ts";
import type { Action, Operation } from "./operation.ts";
import { Session } from "./session.ts";

interface Asked extends WriteRequest {
  readonly kind: "read" | "write";
  readonly body?: unknown;
}

function clientOf(outcomes: Outcome[]): { client: ProfileClient; asked: Asked[] } {
  const asked: Asked[] = [];
  const answer = (): Promise<Outcome> =>
    Promise.resolve(outcomes.shift() ?? { kind: "refused", code: "nothing more to say" });
  const client: ProfileClient = {
    read: (_region, _id, options) => {
      asked.push({ kind: "read", ...options });
      return answer();
    },
    write: (_region, _id, body, request) => {
      asked.push({ kind: "write", body, ...request });
      return answer();
    },
  };
  return { client, asked };
}

function operation(action: Action, more: Partial<Operation> = {}): Operation {
  const about = { kind: "operation", atMs: 0, session: 3, region: 0, id: "s0" } as const;
  return { ...about, action, usesToken: true, waitMs: 0, handling: "strict", ...more };
}

function found(interests: string[], token: string): Outcome {
  const json = JSON.stringify({ interests });
  return { kind: "found", json, etag: `tag ${token}`, heads: [], token, isStale: false };
}

async function run(outcomes: Outcome[], ...operations: Operation[]) {
  const { client, asked } = clientOf(outcomes);
  const history = new History();
  const session = new Session({ client, history, nowMs: () => 0 });
  for (const each of operations) session.add(each);
  while (session.open > 0) await Promise.resolve();
  return { asked, calls: history.calls };
}

test("the token of an answer goes with the next request, and only with those that use it", async () => {
  const outcomes = [found([], "t1"), found([], "t2"), found([], "t3"), found([], "t4")];
  const read: Action = { kind: "read" };
  const { asked } = await run(
    outcomes,
    operation(read),
    operation(read),
    operation(read, { usesToken: false }),
    operation(read),
  );
  expect(asked.map(({ token }) => token)).toEqual([undefined, "t1", undefined, "t2"]);
});

test("an element is added to what was read, unless somebody wrote in between", async () => {
  const { asked, calls } = await run(
    [found(["a"], "t1"), found(["a", "b"], "t2")],
    operation({ kind: "set-add", element: "b" }),
  );
  expect(asked[1]).toMatchObject({
    body: { kind: "merge-patch", patch: { interests: ["a", "b"] } },
    ifMatch: ["tag t1"],
    token: "t1",
  });
  expect(calls[1]).toMatchObject({ added: "b", basedOn: 0, session: 3 });
});

test("an element is removed only if there is one", async () => {
  const remove: Action = { kind: "set-remove", pick: 4 };
  const { asked, calls } = await run(
    [found([], "t1"), found(["a", "b", "c"], "t2"), found(["a", "c"], "t3")],
    operation(remove),
    operation(remove),
  );
  expect(asked.map(({ kind }) => kind)).toEqual(["read", "read", "write"]);
  expect(calls[2]).toMatchObject({ removed: "b", basedOn: 1 });
});

test("a first element makes the profile only if it is still not there", async () => {
  const absent: Outcome = { kind: "absent", token: "t1", isStale: false };
  const { asked } = await run([absent], operation({ kind: "set-add", element: "a" }));
  expect(asked[1]).toMatchObject({ ifNoneMatch: "*" });
});
