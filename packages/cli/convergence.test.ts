// The certificate: what makes it good, and everything that must make it bad.
import { describe, expect, test } from "vitest";
import { systemClock } from "@atoll/core";
import type { SignedStatement, Statement } from "@atoll/server";
import { StatementKeys } from "@atoll/server";
import type { Cut } from "./common-cut.ts";
import { commonCut, covers } from "./common-cut.ts";
import type { Asked, Certificate } from "./convergence.ts";
import {
  CERTIFICATE_FORMAT,
  checkCertificate,
  differingShards,
  untilConverged,
} from "./convergence.ts";

const signer = new StatementKeys("a secret of a cluster", "c");
const keys = {
  cluster: "c",
  keys: { a: signer.publicKeyOf("a"), b: signer.publicKeyOf("b") },
};
const cut = { a: 2048, b: 4096 };

function stated(region: string, changes: Partial<Statement> = {}): SignedStatement {
  return signer.sign({
    cluster: "c",
    region,
    origin: "1.0.x",
    at: "2026-01-01T00:00:00.000Z",
    cut,
    changes: 5,
    root: "0f",
    shards: ["01", "0e"],
    ...changes,
  });
}

function certificate(...statements: SignedStatement[]): Certificate {
  return { format: CERTIFICATE_FORMAT, cluster: "c", cut, statements };
}

describe("a certificate", () => {
  test("is good when every region signed the same at the same cut", () => {
    const checked = checkCertificate(certificate(stated("a"), stated("b")), keys);
    expect(checked).toEqual({ faults: [], regions: ["a", "b"] });
  });

  test("is good whatever the order in which its fields were written", () => {
    const { statement, signature } = stated("a");
    const turned = Object.fromEntries(Object.entries(statement).reverse()) as unknown as Statement;
    const other = { statement: { ...turned, cut: { b: 4096, a: 2048 } }, signature };
    expect(checkCertificate(certificate(other, stated("b")), keys).faults).toEqual([]);
  });

  const a = stated("a");
  const forged = (changes: Partial<Statement>) => ({
    ...a,
    statement: { ...a.statement, ...changes },
  });
  test.each([
    ["a root was altered", certificate(forged({ root: "ff" }), stated("b"))],
    ["a count was altered", certificate(forged({ changes: 6 }), stated("b", { changes: 6 }))],
    ["a shard was altered", certificate(forged({ shards: ["01", "0f"] }), stated("b"))],
    [
      "one region signs as another",
      certificate({ ...stated("a"), statement: stated("b").statement }, a),
    ],
    ["a region differs", certificate(a, stated("b", { shards: ["01", "0d"] }))],
    ["a region has another root", certificate(a, stated("b", { root: "0e" }))],
    ["a region speaks of another cut", certificate(a, stated("b", { cut: { a: 2048, b: 4097 } }))],
    ["a region is not of the cluster", certificate(a, stated("c"))],
    ["a region states twice", certificate(a, a)],
    ["one region alone states", certificate(a)],
    ["nobody states", certificate()],
    ["it is of another cluster", { ...certificate(a, stated("b")), cluster: "d" }],
    ["it is of another format", { ...certificate(a, stated("b")), format: "x" as never }],
  ])("is not good when %s", (_name, bad) => {
    expect(checkCertificate(bad, keys).faults).not.toEqual([]);
  });

  test("is not good by the keys of another secret", () => {
    const other = new StatementKeys("another secret altogether", "c");
    const theirs = { cluster: "c", keys: { a: other.publicKeyOf("a"), b: other.publicKeyOf("b") } };
    expect(checkCertificate(certificate(a, stated("b")), theirs).faults).toHaveLength(2);
  });

  test("names the shards that differ", () => {
    expect(differingShards([a, stated("b", { shards: ["02", "0e"] })])).toEqual([0]);
  });
});

describe("waiting for convergence", () => {
  /** Answers one holding after the other, the last for ever. */
  function region(name: string, held: readonly Cut[], root = "0f"): Asked & { cuts: Cut[] } {
    const cuts: Cut[] = [];
    let at = 0;
    return {
      name,
      cuts,
      truth: {
        holdings() {
          const now = held[Math.min(at++, held.length - 1)] ?? {};
          return Promise.resolve({ region: name, held: now, horizon: {}, shards: 2 });
        },
        statement(asked) {
          cuts.push(asked);
          return Promise.resolve(stated(name, { cut: asked, root }));
        },
      },
    };
  }
  const soon = { clock: systemClock, timeoutMs: 5_000 };

  test("takes the cut where all are once each holds what was written before", async () => {
    const a = region("a", [
      { a: 10, b: 1 },
      { a: 11, b: 1 },
      { a: 12, b: 21 },
    ]);
    const b = region("b", [
      { a: 3, b: 20 },
      { a: 9, b: 21 },
      { a: 11, b: 22 },
    ]);
    const outcome = await untilConverged([a, b], soon);
    expect(outcome).toMatchObject({ kind: "converged", certificate: { cut: { a: 11, b: 21 } } });
    expect([a.cuts, b.cuts]).toEqual([[{ a: 11, b: 21 }], [{ a: 11, b: 21 }]]);
  });

  test("that ends too soon names who lacks whose writes, and asks nobody to state", async () => {
    const a = region("a", [{ a: 10, b: 1 }]);
    const b = region("b", [{ a: 10, b: 20 }]);
    const outcome = await untilConverged([a, b], { clock: systemClock, timeoutMs: 0 });
    expect(outcome).toEqual({ kind: "waiting", lacking: ["a lacks writes of b"] });
    expect(a.cuts).toEqual([]);
  });

  test("is over as diverged when all was received and the sums differ", async () => {
    const a = region("a", [{ a: 10, b: 20 }]);
    const b = region("b", [{ a: 10, b: 20 }], "0e");
    const outcome = await untilConverged([a, b], { clock: systemClock, timeoutMs: 0 });
    expect(outcome.kind).toBe("diverged");
  });
});

describe("a common cut", () => {
  test("is where all are, and names no region of which one has nothing", () => {
    expect(
      commonCut([
        { a: 5, b: 9, c: 3 },
        { a: 7, b: 2 },
      ]),
    ).toEqual({ a: 5, b: 2 });
    expect(commonCut([])).toEqual({});
  });

  test("is covered by each of them", () => {
    const held = [
      { a: 5, b: 9 },
      { a: 7, b: 2 },
    ];
    for (const each of held) expect(covers(each, commonCut(held))).toBe(true);
    expect(covers({ a: 5 }, { a: 5, b: 1 })).toBe(false);
  });
});
