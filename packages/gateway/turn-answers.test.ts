import type { ServerResponse } from "node:http";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ManualClock, limits } from "@atoll/core";
import { Loopback } from "./loopback.ts";
import { TurnAnswers } from "./turn-answers.ts";

/** Of an answer, only that it was ended, and with what. */
function replies(turn: TurnAnswers) {
  const ended: string[] = [];
  const reply = { end: (body: string) => void ended.push(body) } as unknown as ServerResponse;
  return { ended, end: (body: string) => turn.end(reply, body) };
}

test("answers of one turn are written at its end, in their order", () => {
  const turns: (() => void)[] = [];
  const clock = Object.assign(new ManualClock(), {
    afterTurn: (run: () => void) => turns.push(run),
  });
  const { ended, end } = replies(new TurnAnswers(clock));
  end("a");
  end("b");
  expect(ended).toEqual([]);
  expect(turns).toHaveLength(1);
  turns.shift()?.();
  expect(ended).toEqual(["a", "b"]);
  end("c");
  turns.shift()?.();
  expect(ended).toEqual(["a", "b", "c"]);
});

test("none waits for more than so many", () => {
  const turns: (() => void)[] = [];
  const clock = Object.assign(new ManualClock(), {
    afterTurn: (run: () => void) => turns.push(run),
  });
  const { ended, end } = replies(new TurnAnswers(clock));
  for (let n = 0; n < limits.ANSWERS_TOGETHER_MAX + 2; n++) end(`${n}`);
  expect(ended).toHaveLength(limits.ANSWERS_TOGETHER_MAX);
  for (const run of turns) run();
  expect(ended).toHaveLength(limits.ANSWERS_TOGETHER_MAX + 2);
});

let region: Loopback;
beforeEach(async () => {
  region = new Loopback();
  await region.open();
  await region.write("PUT", "/v1/profiles/ann", { name: "Ann" });
});
afterEach(() => region.close());

test("requests that come together on one connection are answered in their order", async () => {
  const requests = ["ann", "nobody", "ann"].map(
    (id) => `GET /v1/profiles/${id} HTTP/1.1\r\nHost: x\r\n`,
  );
  const answers = await region.exchange(`${requests.join("\r\n")}Connection: close\r\n\r\n`);
  expect([...answers.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual([
    "200",
    "404",
    "200",
  ]);
});

test("a client that is gone before its answer is written harms nobody", async () => {
  const turns: (() => void)[] = [];
  region.clock.afterTurn = (run) => void turns.push(run);
  const gone = region.exchange("GET /v1/profiles/ann HTTP/1.1\r\nHost: x\r\n\r\n");
  await expect.poll(() => turns.length).toBe(1);
  await region.close();
  await gone.catch(() => undefined);
  for (const run of turns) expect(run).not.toThrow();
});
