/**
 * Bodies of clients' writes, through the whole gateway: PUT, merge patch, JSON Patch and native operations.
 *
 *     input = kind u8 | body
 *
 * The answer is a success or a problem with a type, never a 5xx; what was accepted can be read, and can be
 * loaded again from what was stored.
 */
import type { Server } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { docIdOf, must, silentLog, systemClock, systemRandom } from "@atoll/core";
import { createPublicApp } from "@atoll/gateway";
import { RegionDriver } from "@atoll/replica";
import { MemoryStore } from "@atoll/store";
import { MemoryNetwork } from "@atoll/sync";
import { ADA, cluster, codec } from "./fleet.ts";
import { mutateJson } from "./mutations.ts";
import type { FuzzTarget } from "./target.ts";
import { expectThat } from "./target.ts";

const WAYS = [
  { method: "PUT", type: "application/json" },
  { method: "PATCH", type: "application/merge-patch+json" },
  { method: "PATCH", type: "application/json-patch+json" },
  { method: "PATCH", type: "application/vnd.atoll.ops+json" },
] as const;

const BODIES: readonly (readonly [way: number, body: unknown])[] = [
  [
    0,
    {
      displayName: "Ada",
      interests: ["tea", "engines"],
      bio: "A text.",
      location: { city: "Rome" },
    },
  ],
  [0, { displayName: "Ada", extra: { a: { b: { c: [1, { d: true }, null, "x"] } } } }],
  [
    1,
    { displayName: null, location: { city: "Oslo" }, stats: { followers: 1 }, extra: { a: null } },
  ],
  [
    2,
    [
      { op: "add", path: "/interests/-", value: "go" },
      { op: "replace", path: "/displayName", value: "B" },
      { op: "move", from: "/location/city", path: "/extra/city" },
      { op: "copy", from: "/displayName", path: "/headline" },
      { op: "test", path: "/displayName", value: "B" },
      { op: "remove", path: "/bio" },
    ],
  ],
  [
    3,
    [
      { op: "set", path: "/headline", value: "x" },
      { op: "increment", path: "/stats/followers", by: 2 },
      { op: "setAdd", path: "/interests", values: ["a", "b"] },
      { op: "setRemove", path: "/interests", values: ["tea"] },
      { op: "textSplice", path: "/bio", index: 1, remove: 2, insert: "é" },
      { op: "textUpdate", path: "/bio", value: "Another text." },
      { op: "listInsert", path: "/extra/list", index: 0, values: [1, { a: 2 }] },
      { op: "listRemove", path: "/extra/list", index: 0, count: 1 },
      { op: "unset", path: "/extra" },
    ],
  ],
];

export const restTarget: FuzzTarget = {
  name: "rest",
  summary: "bodies of PUT and PATCH: a success or a typed problem; what was accepted loads again",

  async open() {
    const clock = systemClock;
    const random = systemRandom;
    const region = must(cluster.regions[0], "a region");
    const network = new MemoryNetwork({ clock, random, delayMs: { min: 0, max: 0 } });
    const driver = new RegionDriver({
      ...{ cluster, region, clock, random, codec, log: silentLog, peers: new Map() },
      ...{ store: new MemoryStore(), transport: network.transport(region.name), version: "fuzz" },
    });
    driver.start();
    const app = createPublicApp({
      ...{ service: driver.service, admin: { readiness: () => driver.readiness() } },
      ...{ log: silentLog, clock, random, region: region.name },
      version: "fuzz",
    });
    const server = createServer(app);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/profiles/${ADA}`;
    let runs = 0;
    return {
      seeds: BODIES.map(([way, body]) =>
        Buffer.from(`${String.fromCharCode(way)}${JSON.stringify(body)}`),
      ),
      mutate: (input, mutating) => {
        const way = mutating.below(10) === 0 ? mutating.below(WAYS.length) : (input[0] ?? 0);
        return Buffer.concat([Uint8Array.of(way), mutateJson(input.subarray(1), mutating)]);
      },
      async run(input) {
        if (runs++ % 50 === 0) await startAfresh(url);
        const { method, type } = WAYS[(input[0] ?? 0) % WAYS.length] ?? WAYS[0];
        const answer = await fetch(`${url}?upsert=true`, {
          ...{ method, body: input.slice(1), headers: { "content-type": type } },
        });
        const text = await answer.text();
        if (!answer.ok) {
          const said = answer.headers.get("content-type");
          expectThat(answer.status < 500, `${answer.status}: ${text}`);
          expectThat(said?.startsWith("application/problem+json") === true, `no problem: ${text}`);
          return;
        }
        const read = await (await fetch(url)).text();
        const body = must(
          driver.replica.store.readBody(driver.replica.placeOf(docIdOf(ADA))),
          "a body",
        );
        const profile = codec.open(body, random.bytes(16));
        const { json } = profile.render();
        profile.free();
        expectThat(json === read, "what was accepted loads as something else");
      },
      close: async () => {
        await stopped(server);
        await driver.close();
      },
    };
  },
};

async function startAfresh(url: string): Promise<void> {
  const answer = await fetch(url, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ displayName: "Ada", bio: "A text.", interests: ["tea"] }),
  });
  await answer.arrayBuffer();
}

async function stopped(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
