import { expect, test } from "vitest";
import fc from "fast-check";
import type { Cluster, Hlc, RegionCode, RegionVector } from "@atoll/core";
import { deriveClusterKeys } from "@atoll/core";
import { SessionTokens } from "./session-token.ts";

function tokens(secret: string, id = "test"): SessionTokens {
  const cluster: Cluster = { id, shardCount: 16, regions: [], keys: deriveClusterKeys(secret, id) };
  return new SessionTokens(cluster);
}

const vector: RegionVector = new Map([
  [1 as RegionCode, 123 as Hlc],
  [2 as RegionCode, (2 ** 52 - 1) as Hlc],
  [3 as RegionCode, 0 as Hlc],
]);

test("a token is the vector it was made of, in 48 characters for three regions", () => {
  const issuer = tokens("the secret of this test");
  const token = issuer.encode(vector);
  expect(token).toHaveLength(48);
  expect(issuer.parse(token)).toEqual({ kind: "vector", vector });
});

test("a token that was changed in any character is refused", () => {
  const issuer = tokens("the secret of this test");
  const token = issuer.encode(vector);
  for (let i = 0; i < token.length; i++) {
    const other = token[i] === "A" ? "B" : "A";
    const changed = token.slice(0, i) + other + token.slice(i + 1);
    expect(issuer.parse(changed).kind).toBe("fault");
  }
});

test("a token of another cluster or another secret is refused", () => {
  const token = tokens("the secret of this test").encode(vector);
  expect(tokens("another secret of this test").parse(token).kind).toBe("fault");
  expect(tokens("the secret of this test", "other").parse(token).kind).toBe("fault");
});

test("anything else is refused, never thrown at", () => {
  const issuer = tokens("the secret of this test");
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.base64String({ maxLength: 400 })), (text) => {
      expect(issuer.parse(text).kind).toBe("fault");
    }),
    { numRuns: 1000 },
  );
});
