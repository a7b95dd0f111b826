import { describe, expect, test } from "vitest";
import { SeededRandom, must } from "@atoll/core";
import type { HttpAnswer, HttpRequest } from "../http-client.ts";
import type { Edit } from "./edit.ts";
import { parseEdit } from "./edit.ts";
import { PHASES, planReplay, regionOfEditor } from "./replay-plan.ts";
import { Replayer } from "./replay.ts";

const regions = ["us-east-1", "eu-west-1", "ap-northeast-1"];
const options = { regions, seed: "4" };

function edit(atMs: number, editor: number, id: string, op: Edit["op"] = "patch"): Edit {
  const value = op === "delete" ? {} : { value: { n: atMs } };
  return must(parseEdit({ at: atMs, editor, id, op, ...value }), "an edit");
}

describe("the plan", () => {
  const edits = Array.from({ length: 400 }, (_, i) => edit(Math.floor(i / 4), i % 23, `p${i % 7}`));
  const plan = planReplay(edits, options);

  test("sends every edit exactly once, and each editor's to one region", () => {
    const planned = PHASES.flatMap((phase) =>
      [...plan[phase]].flatMap(([region, batches]) =>
        batches.flat().map((each) => ({ region, each })),
      ),
    );
    expect(new Set(planned.map(({ each }) => each)).size).toBe(edits.length);
    expect(planned).toHaveLength(edits.length);
    for (const { region, each } of planned) {
      expect(region).toBe(regionOfEditor(each.editor, options));
    }
  });

  test("cuts at half and heals at three quarters", () => {
    const counts = PHASES.map((phase) => [...plan[phase].values()].flat(2).length);
    expect(counts).toEqual([200, 100, 100]);
  });

  test("keeps the order of history inside a region, and what was made together together", () => {
    for (const phase of PHASES) {
      for (const batches of plan[phase].values()) {
        const times = batches.flat().map(({ atMs }) => atMs);
        expect(times).toEqual(times.toSorted((a, b) => a - b));
        for (const batch of batches) {
          expect(new Set(batch.map(({ atMs, editor }) => `${atMs} ${editor}`)).size).toBe(1);
        }
      }
    }
  });

  test("uses all regions, and others with another seed", () => {
    const editors = Array.from({ length: 50 }, (_, i) => i);
    const home = (seed: string) => editors.map((each) => regionOfEditor(each, { regions, seed }));
    expect(new Set(home("4"))).toEqual(new Set(regions));
    expect(home("4")).toEqual(home("4"));
    expect(home("4")).not.toEqual(home("5"));
  });
});

describe("the replay", () => {
  function replayer(answer: (request: HttpRequest) => Partial<HttpAnswer>) {
    const sent: HttpRequest[] = [];
    const client = {
      async send(request: HttpRequest): Promise<HttpAnswer> {
        sent.push(request);
        await Promise.resolve();
        return { status: 204, headers: {}, body: "", bytes: Buffer.alloc(0), ...answer(request) };
      },
    };
    const restByRegion = new Map(regions.map((region) => [region, `http://${region}`]));
    const random = new SeededRandom("replay");
    return { sent, replayer: new Replayer({ client, random, restByRegion, onWrite: () => {} }) };
  }

  test("sends each kind of edit in its own way", async () => {
    const { sent, replayer: subject } = replayer(() => ({}));
    const batches = [[edit(1, 1, "a", "put")], [edit(2, 1, "a")], [edit(3, 1, "a", "delete")]];
    await subject.replay(new Map([["eu-west-1", batches]]));
    expect(sent.map(({ method, url, body }) => [method, url, body])).toEqual([
      ["PUT", "http://eu-west-1/v1/profiles/a", '{"n":1}'],
      ["PATCH", "http://eu-west-1/v1/profiles/a", '{"n":2}'],
      ["DELETE", "http://eu-west-1/v1/profiles/a", undefined],
    ]);
    expect(sent.map(({ headers }) => headers?.["content-type"])).toEqual([
      "application/json",
      "application/merge-patch+json",
      undefined,
    ]);
  });

  test("gives each editor a session of its own", async () => {
    let answers = 0;
    const { sent, replayer: subject } = replayer(() => ({
      headers: { "session-token": `t${++answers}` },
    }));
    const batches = [[edit(1, 1, "a")], [edit(2, 2, "a")], [edit(3, 1, "b")], [edit(4, 2, "b")]];
    await subject.replay(new Map([["eu-west-1", batches]]));
    const tokens = sent.map(({ headers }) => headers?.["session-token"]);
    expect(tokens).toEqual([undefined, undefined, "t1", "t2"]);
  });

  test("sends a patch of a profile that is not there yet again as an upsert", async () => {
    const { sent, replayer: subject } = replayer(({ url }) => ({
      status: url.endsWith("?upsert=true") ? 201 : 404,
    }));
    const counts = await subject.replay(new Map([["eu-west-1", [[edit(1, 1, "a")]]]]));
    expect(sent.map(({ url }) => url)).toEqual([
      "http://eu-west-1/v1/profiles/a",
      "http://eu-west-1/v1/profiles/a?upsert=true",
    ]);
    expect(counts).toMatchObject({ upserts: 1, refused: 0 });
    expect(counts.writesByRegion.get("eu-west-1")).toBe(1);
  });

  test("counts what is refused, and goes on", async () => {
    const { replayer: subject } = replayer(({ url }) => ({
      status: url.endsWith("/a") ? 422 : 200,
    }));
    const counts = await subject.replay(
      new Map([["eu-west-1", [[edit(1, 1, "a"), edit(1, 1, "b")]]]]),
    );
    expect(counts.refused).toBe(1);
    expect(counts.refusals).toEqual(["eu-west-1: patch a: status 422"]);
    expect(counts.writesByRegion.get("eu-west-1")).toBe(1);
  });

  test("never has two edits of one profile under way in one region", async () => {
    const underWay = new Set<string>();
    const order: number[] = [];
    const client = {
      async send({ url, body }: HttpRequest): Promise<HttpAnswer> {
        expect(underWay.has(url)).toBe(false);
        underWay.add(url);
        for (let i = 0; i < 5; i++) await Promise.resolve();
        underWay.delete(url);
        order.push((JSON.parse(String(body)) as { n: number }).n);
        return { status: 200, headers: {}, body: "", bytes: Buffer.alloc(0) };
      },
    };
    const batch = Array.from({ length: 40 }, (_, i) => ({
      ...edit(1, 1, `p${i % 3}`),
      body: JSON.stringify({ n: i }),
    }));
    const subject = new Replayer({
      client,
      random: new SeededRandom("replay"),
      restByRegion: new Map([["eu-west-1", "http://eu"]]),
      onWrite: () => {},
    });
    await subject.replay(new Map([["eu-west-1", [batch]]]));
    for (const rest of [0, 1, 2]) {
      const mine = order.filter((n) => n % 3 === rest);
      expect(mine).toEqual(mine.toSorted((a, b) => a - b));
    }
  });
});
