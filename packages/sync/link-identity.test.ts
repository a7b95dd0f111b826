// The certificate of a link and the HELLO on it must name the same region; the secret is asked for
// either way.
import { expect, test } from "vitest";
import type { Cluster, Hlc, RegionCode } from "@atoll/core";
import {
  Frontier,
  SeededRandom,
  deriveClusterKeys,
  must,
  newOrigin,
  parseRegionCode,
} from "@atoll/core";
import { testRegion } from "./certificates.fixture.ts";
import { decodeFrame, encodeMessage } from "./codec.ts";
import type { SyncEffect } from "./effects.ts";
import { helloDigest, helloOf, proofOf } from "./handshake.ts";
import type { Message } from "./messages.ts";
import { Sync } from "./sync.ts";
import type { SyncView } from "./sync-view.ts";
import { PROTOCOL_VERSION, PROTOCOL_VERSION_MIN, VERSIONS_SPOKEN } from "./version.ts";

const LINK = 1;
const cluster: Cluster = {
  id: "test",
  shardCount: 1,
  regions: ["us-east-1", "eu-west-1", "ap-south-1"].map((name, index) => ({
    name: testRegion(name),
    code: code(index + 1),
  })),
  keys: deriveClusterKeys("a secret of many characters", "test"),
};

test("a certificate that names the region of the HELLO is asked for the secret as well", () => {
  const { effects, prove } = hello({ identity: "eu-west-1", as: 2 });
  expect(sent(effects)).toMatchObject([{ kind: "hello" }, { kind: "proof" }]);
  expect(sent(prove("another secret of many characters"))).toMatchObject([
    { kind: "refusal", code: "proof" },
  ]);
});

test("a certificate and the secret together make a link live", () => {
  const { prove } = hello({ identity: "eu-west-1", as: 2 });
  expect(prove("a secret of many characters")).toContainEqual(
    expect.objectContaining({
      event: "link-live",
      fields: { region: "eu-west-1", version: PROTOCOL_VERSION },
    }),
  );
});

test("a HELLO of another region than the certificate's is refused, reported and closed", () => {
  const { effects, prove } = hello({ identity: "ap-south-1", as: 2 });
  const detail = "its certificate is of ap-south-1, its HELLO of eu-west-1";
  expect(sent(effects).at(-1)).toEqual({ kind: "refusal", code: "identity", detail });
  expect(effects).toContainEqual(
    expect.objectContaining({
      level: "warn",
      event: "link-refused",
      fields: { region: "eu-west-1", code: "identity", detail },
    }),
  );
  expect(effects.at(-1)).toMatchObject({ kind: "close", link: LINK });
  expect(prove("a secret of many characters")).toEqual([]); // the secret mends nothing
});

test("a link without a certificate is left to the secret alone", () => {
  const { prove } = hello({ identity: undefined, as: 2 });
  expect(prove("a secret of many characters")).toContainEqual(
    expect.objectContaining({ event: "link-live" }),
  );
});

/** Somebody connects to us-east-1, and says HELLO as the region with this code. */
function hello({ identity, as }: { readonly identity: string | undefined; readonly as: number }) {
  const sync = new Sync({
    view: viewOf(1),
    random: new SeededRandom("identity"),
    dialable: new Set<RegionCode>(),
  });
  const region = identity === undefined ? undefined : testRegion(identity);
  const speaker = { versions: VERSIONS_SPOKEN, instance: new Uint8Array(16).fill(9) };
  const theirs = helloOf(viewOf(as), speaker, new Uint8Array(16).fill(as));
  const effects = sync.step({ kind: "link-up", link: LINK, identity: region }, 0);
  const [first] = effects;
  const ourFrame = first?.kind === "send" ? first.frame : new Uint8Array();
  const bytesOf = (message: Message) =>
    encodeMessage(message, message.kind === "hello" ? PROTOCOL_VERSION_MIN : PROTOCOL_VERSION);
  const frame = (message: Message) =>
    sync.step({ kind: "frame", link: LINK, bytes: bytesOf(message) }, 1);
  effects.push(...frame(theirs));
  return {
    effects,
    prove: (secret: string): SyncEffect[] => {
      const knowing = { ...cluster, keys: deriveClusterKeys(secret, "test") };
      const hellos = { prover: helloDigest(bytesOf(theirs)), verifier: helloDigest(ourFrame) };
      return frame(proofOf(knowing, hellos, { welcome: true, seen: [] }));
    },
  };
}

function viewOf(region: number): SyncView {
  const random = new SeededRandom(region);
  const view: Partial<SyncView> = {
    cluster,
    region: must(cluster.regions[region - 1], "region"),
    origin: newOrigin(code(region), 1, random),
    genesisHash: new Uint8Array(32),
    frontier: new Frontier(),
    stamp: () => 1 as Hlc,
    recall: () => undefined,
    coverage: () => new Map(),
  };
  return view as SyncView;
}

function sent(effects: readonly SyncEffect[]): Message[] {
  return effects.flatMap((effect) => {
    if (effect.kind !== "send") return [];
    const decoded = decodeFrame(effect.frame);
    return decoded.kind === "message" ? [decoded.message] : [];
  });
}

function code(value: number): RegionCode {
  return must(parseRegionCode(value), "a code");
}
