import { afterEach, describe, expect, test, vi } from "vitest";
import type { LogEntry, ProfileId, RegionCode } from "@atoll/core";
import { AtollError, assert, docIdOf, must, toHex } from "@atoll/core";
import { decodeFrame, encodeMessage } from "@atoll/sync";
import { Fleet } from "./fleet.fixture.ts";
import type { ReadAnswer } from "./service.ts";

let fleet: Fleet;
afterEach(() => fleet.close());

async function connected(seed: string): Promise<Fleet> {
  fleet = new Fleet(seed);
  await fleet.until("all links live", () =>
    fleet.names.every((name) =>
      fleet
        .driver(name)
        .status()
        .peers.every(({ state }) => state === "live"),
    ),
  );
  return fleet;
}

describe("three regions", () => {
  test("a profile that was written in one is read in all", async () => {
    await connected("one");
    await fleet.write("us-east-1", "ada", { kind: "put", value: { displayName: "Ada" } });
    await fleet.until("converged", () => fleet.converged());
    for (const name of fleet.names) {
      expect(await fleet.json(name, "ada")).toBe('{"displayName":"Ada"}');
    }
  });

  test("entries that are pushed are never asked for as well", async () => {
    await connected("push");
    for (let i = 0; i < 20; i++) {
      await fleet.write("eu-west-1", `p${i}`, { kind: "put", value: { role: `r${i}` } });
    }
    await fleet.until("converged", () => fleet.converged());
    const counts = fleet.names.map((name) => fleet.driver(name).replica.ingested);
    expect(counts.map(({ applied }) => applied)).toEqual([20, 0, 20]);
    expect(counts.map(({ held, waiting }) => held + waiting)).toEqual([0, 0, 0]);
  });

  test("a region that is cut off serves, and both sides merge when the link returns", async () => {
    await connected("cut");
    await fleet.write("us-east-1", "ada", { kind: "put", value: { role: "poet" } });
    await fleet.until("converged", () => fleet.converged());
    for (const other of ["us-east-1", "ap-northeast-1"]) {
      fleet.driver("eu-west-1").setPeerState(other, "paused");
    }
    await fleet.run(500);
    await fleet.write("eu-west-1", "ada", { kind: "merge-patch", patch: { role: "analyst" } });
    await fleet.write("us-east-1", "ada", { kind: "merge-patch", patch: { party: "whig" } });
    await fleet.run(3000);
    const waiting = fleet
      .driver("us-east-1")
      .status()
      .peers.find(({ region }) => region === "eu-west-1");
    expect(waiting).toMatchObject({ ahead: 1, behind: 0 }); // handed over when it is back
    expect(await fleet.json("us-east-1", "ada")).toBe('{"party":"whig","role":"poet"}');
    expect(await fleet.json("eu-west-1", "ada")).toBe('{"role":"analyst"}');
    for (const other of ["us-east-1", "ap-northeast-1"]) {
      fleet.driver("eu-west-1").setPeerState(other, "active");
    }
    await fleet.until("converged", () => fleet.converged());
    for (const name of fleet.names) {
      expect(await fleet.json(name, "ada")).toBe('{"party":"whig","role":"analyst"}');
    }
  });

  test("what two regions cannot tell each other goes through the third", async () => {
    await connected("relay");
    fleet.driver("us-east-1").setPeerState("ap-northeast-1", "paused");
    await fleet.run(500);
    await fleet.write("us-east-1", "ada", { kind: "put", value: { role: "poet" } });
    await fleet.until(
      "relayed",
      () => fleet.driver("ap-northeast-1").status().counts.documents === 1,
    );
    expect(await fleet.json("ap-northeast-1", "ada")).toBe('{"role":"poet"}');
  });

  test("a network that drops everything is noticed, and the links come back", async () => {
    await connected("black hole");
    fleet.network.cut("us-east-1", "eu-west-1");
    const linked = () =>
      fleet
        .driver("us-east-1")
        .status()
        .peers.find(({ region }) => region === "eu-west-1")?.state;
    await fleet.until("noticed", () => linked() !== "live", 10_000);
    await fleet.write("us-east-1", "ada", { kind: "put", value: { role: "poet" } });
    fleet.network.heal("us-east-1", "eu-west-1");
    await fleet.until("converged", () => fleet.converged());
  });

  test("a region that is killed misses nothing that was acknowledged and catches up", async () => {
    await connected("kill");
    for (let i = 0; i < 5; i++) {
      await fleet.write("eu-west-1", `p${i}`, { kind: "put", value: { role: `r${i}` } });
    }
    const before = fleet.driver("eu-west-1").status();
    fleet.crash("eu-west-1");
    await fleet.write("us-east-1", "p0", { kind: "merge-patch", patch: { party: "whig" } });
    await fleet.run(1000);
    fleet.start("eu-west-1");
    const after = fleet.driver("eu-west-1").status();
    expect(after.incarnation).toBe(before.incarnation + 1);
    expect(after.counts.changes).toBeGreaterThanOrEqual(5);
    await fleet.until("converged", () => fleet.converged());
    expect(await fleet.json("eu-west-1", "p0")).toBe('{"party":"whig","role":"r0"}');
    await fleet.write("eu-west-1", "p1", { kind: "merge-patch", patch: { party: "tory" } });
    await fleet.until("converged", () => fleet.converged());
  });

  test("an orderly stop keeps the incarnation", async () => {
    await connected("stop");
    await fleet.write("eu-west-1", "ada", { kind: "put", value: { role: "poet" } });
    await fleet.run(200);
    const before = fleet.driver("eu-west-1").status();
    await fleet.driver("eu-west-1").close();
    fleet.start("eu-west-1");
    expect(fleet.driver("eu-west-1").status().origin).toBe(before.origin);
    await fleet.until("converged", () => fleet.converged());
  });
});

describe("what is covered of a region that is down", () => {
  test.each(["stopped in good order", "killed"])(
    "outlasts a restart of the region that covers it, when that was %s",
    async (how) => {
      await connected(`covered ${how}`);
      const { sessionToken } = await fleet.write("ap-northeast-1", "ada", {
        kind: "put",
        value: { role: "poet" },
      });
      await fleet.until("converged", () => fleet.converged());
      await fleet.write("us-east-1", "bob", { kind: "put", value: { role: "baker" } });
      await fleet.until("converged", () => fleet.converged());
      fleet.crash("ap-northeast-1");
      fleet.driver("us-east-1").setPeerState("eu-west-1", "paused"); // nobody to hear it from
      await fleet.run(100);
      if (how === "killed") fleet.crash("eu-west-1");
      else await fleet.driver("eu-west-1").close();
      fleet.start("eu-west-1");
      const session = { token: sessionToken, waitMs: 0, handling: "strict" as const };
      expect((await fleet.read("eu-west-1", "ada", session)).kind).toBe("found");
    },
  );
});

describe("reads", () => {
  test("never open a document whose view is clean", async () => {
    await connected("reads");
    await fleet.write("us-east-1", "ada", { kind: "put", value: { role: "poet" } });
    await fleet.until("converged", () => fleet.converged());
    for (const name of fleet.names) {
      await fleet.json(name, "ada"); // renders where it is still dirty
      const opened = fleet.driver(name).status().counts.documentsOpened;
      fleet.driver(name).replica.forgetCaches();
      for (let i = 0; i < 10; i++) await fleet.json(name, "ada");
      expect(fleet.driver(name).status().counts.documentsOpened).toBe(opened);
    }
  });

  test("do not show a write before it is durable", async () => {
    await connected("durable");
    const { service } = fleet.driver("us-east-1");
    const session = { token: undefined, waitMs: 0, handling: "strict" as const };
    const id = "ada" as Parameters<typeof service.read>[0];
    const writing = service.write(id, { kind: "put", value: { role: "poet" } }, {}, session, {
      upsert: false,
    });
    await Promise.resolve();
    await Promise.resolve();
    const reading = service.read(id, session);
    expect(reading).toBeInstanceOf(Promise);
    await fleet.run(5);
    expect((await writing).kind).toBe("written");
    expect((await reading).kind).toBe("found");
  });
});

describe("what came from a peer", () => {
  const id = "ada" as ProfileId;
  const session = { token: undefined, waitMs: 10_000, handling: "strict" as const };

  test("is shown before it is durable here; a session that saw it waits when it is undone", async () => {
    await connected("shown");
    const { service, replica } = fleet.driver("eu-west-1");
    const ingest = replica.ingest.bind(replica);
    const shown: (ReadAnswer | Promise<ReadAnswer>)[] = [];
    vi.spyOn(replica, "ingest").mockImplementation((...asked) => {
      const counts = ingest(...asked);
      if (shown.length === 0) {
        shown.push(service.read(id, session));
        vi.spyOn(replica.store, "commitSoon").mockImplementationOnce(() => {
          throw new AtollError("storage-full", "the disk is full");
        });
      }
      return counts;
    });
    await fleet.write("us-east-1", id, { kind: "put", value: { role: "poet" } });
    await fleet.until("staged and undone", () => shown.length > 0);
    const [first] = shown;
    assert(first !== undefined && !(first instanceof Promise), "it waits for nothing");
    assert(first.kind === "found", "it is there");
    expect(first.profile.json).toBe('{"role":"poet"}');
    const again = await fleet.read("eu-west-1", id, { ...session, token: first.sessionToken });
    assert(again.kind === "found", "it is there again");
    expect(again.profile.json).toBe('{"role":"poet"}');
  });

  test("waits for what was written here on top of it", async () => {
    await connected("on top");
    const { service, replica } = fleet.driver("eu-west-1");
    await fleet.write("us-east-1", id, { kind: "put", value: { role: "poet" } });
    await fleet.until("converged", () => fleet.converged());
    const ingest = replica.ingest.bind(replica);
    const shown: boolean[] = [];
    vi.spyOn(replica, "ingest").mockImplementation((...asked) => {
      const patch = { kind: "merge-patch", patch: { party: "tory" } } as const;
      replica.write(id, patch, { precondition: {}, dep: new Map(), upsert: true });
      const counts = ingest(...asked);
      shown.push(service.read(id, session) instanceof Promise);
      return counts;
    });
    await fleet.write("us-east-1", id, { kind: "merge-patch", patch: { role: "analyst" } });
    await fleet.until("came", () => shown.length > 0);
    expect(shown).toEqual([true]);
    vi.restoreAllMocks();
    await fleet.until("converged", () => fleet.converged());
  });
});

describe("a store that fails", () => {
  test("fails every write of its group, tells nobody, and loses nothing else", async () => {
    await connected("full");
    await fleet.write("us-east-1", "ada", { kind: "put", value: { role: "poet" } });
    await fleet.until("converged", () => fleet.converged());
    const { store, ledger } = fleet.driver("us-east-1").replica;
    const root = toHex(ledger.root);
    const commit = vi.spyOn(store, "commitSoon").mockImplementation(() => {
      throw new AtollError("storage-full", "the disk is full");
    });
    const writes = ["ada", "bob"].map((id) =>
      fleet.write("us-east-1", id, { kind: "merge-patch", patch: { role: "lost" } }),
    );
    for (const result of await Promise.allSettled(writes)) {
      expect(result).toMatchObject({ status: "rejected", reason: { code: "storage-full" } });
    }
    expect(fleet.driver("us-east-1").readiness()).toContainEqual(
      expect.objectContaining({ check: "storage", ok: false }),
    );
    await fleet.run(500);
    commit.mockRestore();
    expect(toHex(ledger.root)).toBe(root);
    expect(await fleet.json("us-east-1", "ada")).toBe('{"role":"poet"}');
    expect(await fleet.json("us-east-1", "bob")).toBeUndefined();
    await fleet.write("us-east-1", "ada", { kind: "merge-patch", patch: { role: "baker" } });
    await fleet.until("converged", () => fleet.converged());
    for (const name of fleet.names) {
      expect(await fleet.json(name, "ada")).toBe('{"role":"baker"}');
      expect(await fleet.json(name, "bob")).toBeUndefined();
      expect(fleet.driver(name).status().counts.changes).toBe(2);
    }
    expect(
      fleet
        .driver("us-east-1")
        .readiness()
        .every(({ ok }) => ok),
    ).toBe(true);
  });

  test("while it receives loses nothing of what the peers hold", async () => {
    await connected("full receiver");
    const { store } = fleet.driver("eu-west-1").replica;
    const commit = vi.spyOn(store, "commitSoon").mockImplementation(() => {
      throw new AtollError("storage-failed", "the disk is gone");
    });
    for (let i = 0; i < 5; i++) {
      await fleet.write("us-east-1", `p${i}`, { kind: "put", value: { role: "poet" } });
    }
    await fleet.run(2000);
    expect(fleet.driver("eu-west-1").status().counts.documents).toBe(0);
    commit.mockRestore();
    await fleet.until("converged", () => fleet.converged());
    expect(fleet.driver("eu-west-1").status().counts.documents).toBe(5);
  });
});

describe("sessions", () => {
  test("a session that moves to another region waits there for its own write", async () => {
    await connected("session");
    const written = await fleet.write("us-east-1", "ada", { kind: "put", value: { role: "poet" } });
    const read = await fleet.read("eu-west-1", "ada", { token: written.sessionToken });
    expect(read.kind).toBe("found");
  });

  test("a region that cannot catch up says which region it misses, or serves what it has", async () => {
    await connected("missing");
    for (const name of fleet.names) fleet.driver("eu-west-1").setPeerState(name, "paused");
    await fleet.run(100);
    const { sessionToken } = await fleet.write("eu-west-1", "ada", {
      kind: "put",
      value: { role: "poet" },
    });
    const strict = fleet.read("us-east-1", "ada", { token: sessionToken });
    await expect(strict).rejects.toMatchObject({
      code: "session-not-available",
      data: { missingRegions: ["eu-west-1"] },
    });
    const lenient = await fleet.read("us-east-1", "ada", {
      token: sessionToken,
      handling: "lenient",
    });
    expect(lenient).toMatchObject({ kind: "absent", stale: true });
  });

  test("who has read a profile sees what its writer had seen, in every region", async () => {
    await connected("causal");
    const a = await fleet.write("us-east-1", "a", { kind: "put", value: { role: "cause" } });
    const b = await fleet.write(
      "us-east-1",
      "b",
      { kind: "put", value: { role: "effect" } },
      { token: a.sessionToken },
    );
    const seen = await fleet.read("ap-northeast-1", "b", { token: b.sessionToken });
    const cause = await fleet.read("eu-west-1", "a", { token: seen.sessionToken });
    expect(cause.kind).toBe("found");
  });
});

describe("peers that misbehave", () => {
  test("garbage closes its link and nothing else", async () => {
    await connected("garbage");
    const stranger = fleet.network.transport("stranger");
    const heard: string[] = [];
    stranger.attach({
      linkUp: (link) => {
        stranger.send(link, Uint8Array.of(1, 4, 255, 255, 255, 255));
      },
      frame: (_link, bytes) => {
        const decoded = decodeFrame(bytes);
        if (decoded.kind === "message") heard.push(decoded.message.kind);
      },
      linkDown: () => heard.push("down"),
    });
    stranger.dial("memory://us-east-1");
    await fleet.until("closed", () => heard.includes("down"));
    expect(heard).toEqual(["hello", "refusal", "down"]);
    const states = fleet
      .driver("us-east-1")
      .status()
      .peers.map(({ state }) => state);
    expect(states).toEqual(["live", "live"]);
  });
});

describe("a peer without the cluster's secret", () => {
  test("is refused before it hears or says anything", async () => {
    await connected("impostor");
    const hello = helloOfEurope();
    fleet.crash("eu-west-1"); // while it is live nobody else is heard in its name at all
    await fleet.run(100);
    const impostor = fleet.network.transport("impostor");
    const heard: string[] = [];
    impostor.attach({
      linkUp: (link) => {
        impostor.send(link, encodeMessage(hello, 1));
        impostor.send(
          link,
          encodeMessage({ kind: "proof", welcome: true, seen: [], mac: new Uint8Array(32) }, 1),
        );
      },
      frame: (_link, bytes) => {
        const decoded = decodeFrame(bytes);
        if (decoded.kind !== "message") return;
        const { message } = decoded;
        heard.push(message.kind === "refusal" ? `refused: ${message.code}` : message.kind);
      },
      linkDown: () => heard.push("down"),
    });
    impostor.dial("memory://us-east-1");
    await fleet.until("closed", () => heard.includes("down"));
    expect(heard).toEqual(["hello", "proof", "refused: proof", "down"]);
  });

  test.each([
    ["of another cluster", { clusterId: "other" }, "cluster"],
    ["with another number of shards", { shardCount: 32 }, "cluster"],
    ["with another schema", { genesisHash: new Uint8Array(32) }, "cluster"],
    ["that calls itself like the one it dialled", { region: 1 }, "identity"],
    ["of a region that is not in the config", { region: 9 }, "identity"],
    ["that speaks only later versions", { versionMin: 7, versionMax: 9 }, "version"],
  ])("a peer %s is refused by name", async (_what, difference, code) => {
    await connected("stranger");
    const hello = helloOfEurope();
    const stranger = fleet.network.transport("stranger");
    let refusal: string | undefined;
    stranger.attach({
      linkUp: (link) =>
        stranger.send(link, encodeMessage({ ...hello, ...difference } as typeof hello, 1)),
      frame: (_link, bytes) => {
        const decoded = decodeFrame(bytes);
        if (decoded.kind === "message" && decoded.message.kind === "refusal") {
          refusal = decoded.message.code;
        }
      },
      linkDown: () => undefined,
    });
    stranger.dial("memory://us-east-1");
    await fleet.until("refused", () => refusal !== undefined);
    expect(refusal).toBe(code);
  });
});

describe("anti-entropy", () => {
  test.each([
    ["eu-west-1", "us-east-1"],
    ["us-east-1", "eu-west-1"],
  ])("an entry that %s counted and never applied is found and brought by %s", async (to, by) => {
    await connected("lost change");
    fleet.crash("ap-northeast-1");
    fleet.driver(to).setPeerState(by, "paused");
    await fleet.run(500);
    const source = fleet.driver(by).replica;
    const lost: LogEntry[] = [];
    for (const id of ["ada", "bob", "cyn"]) {
      await fleet.write(by, id, { kind: "put", value: { role: "poet" } });
      const place = source.placeOf(docIdOf(id as ProfileId));
      lost.push(...source.store.readLogOfDocument(place));
    }
    const victim = fleet.driver(to).replica;
    victim.group.open();
    for (const entry of lost) victim.ledger.hold(entry);
    victim.flush();
    fleet.driver(to).setPeerState(by, "active");
    const compared = () =>
      fleet
        .driver(to)
        .status()
        .peers.some(({ region, root }) => region === by && root === "equal");
    await fleet.until("repaired", compared, 120_000);
    expect(toHex(victim.ledger.root)).toBe(toHex(source.ledger.root));
    for (const id of ["ada", "bob", "cyn"])
      expect(await fleet.json(to, id)).toBe('{"role":"poet"}');
  });

  test("a pair that never rests is compared all the same, and nothing is taken for a difference", async () => {
    await connected("busy");
    for (let i = 0; i < 700; i++) {
      const name = must(fleet.names[i % 3], "region");
      const patch = { [`f${i % 7}`]: i };
      await fleet.write(name, `p${i % 20}`, { kind: "merge-patch", patch });
      await fleet.run(90); // less than what counts as rest
    }
    const counts = fleet.names.map((name) => fleet.driver(name).status().antiEntropy);
    const opened = counts.reduce((all, { opened }) => all + opened, 0);
    expect(opened).toBeGreaterThanOrEqual(6);
    const equal = counts.reduce((all, { equal: found }) => all + found, 0);
    expect(equal).toBeGreaterThanOrEqual(2 * opened - fleet.names.length); // both ends, but for the last
    for (const { descents, falseDescents, repairs } of counts) {
      expect({ descents, falseDescents, repairs }).toEqual({
        descents: 0,
        falseDescents: 0,
        repairs: 0,
      });
    }
  });

  test("a sum that was counted wrong is counted again", async () => {
    await connected("wrong sum");
    await fleet.write("us-east-1", "ada", { kind: "put", value: { role: "poet" } });
    await fleet.until("converged", () => fleet.converged());
    const { replica } = fleet.driver("ap-northeast-1");
    const place = replica.placeOf(docIdOf("ada" as ProfileId));
    replica.group.open();
    const row = must(replica.store.readDocument(place), "row");
    replica.store.writeDocument({ ...row, sum: new Uint8Array(32).fill(7) });
    replica.ledger.account(place, {
      documents: 0,
      changes: 0,
      before: row.sum,
      after: new Uint8Array(32).fill(7),
    });
    replica.flush();
    expect(fleet.converged()).toBe(false);
    await fleet.until("recounted", () => fleet.converged(), 120_000);
  });
});

/** What eu-west-1 would say to us-east-1. */
function helloOfEurope() {
  return {
    kind: "hello" as const,
    versionMin: 1,
    versionMax: 1,
    clusterId: "test",
    region: 2 as RegionCode,
    origin: fleet.driver("eu-west-1").replica.origin,
    shardCount: 16,
    genesisHash: fleet.driver("us-east-1").replica.codec.genesisHash,
    treeEpoch: 1,
    nonce: new Uint8Array(16),
    instance: new Uint8Array(16),
  };
}
