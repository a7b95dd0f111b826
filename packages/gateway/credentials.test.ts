import { SignJWT, exportJWK, generateKeyPair } from "jose";
import type { JWK } from "jose";
import { beforeAll, describe, expect, test } from "vitest";
import { ManualClock, SeededRandom } from "@atoll/core";
import type { Tenant } from "@atoll/core";
import { ApiKeys, makeApiKey } from "./api-keys.ts";
import { Bearer } from "./bearer.ts";
import { Credentials } from "./credentials.ts";

const ISSUER = "https://id.example";
const AUDIENCE = "atoll";
const clock = new ManualClock();
const nowSeconds = Math.floor(clock.nowMs() / 1_000);

describe("an API key", () => {
  const random = new SeededRandom("keys");
  const { key, hash } = makeApiKey("ci-writer", random);
  const keys = new ApiKeys([
    { id: "ci-writer", hash, roles: ["writer"], tenant: "acme" as Tenant, fields: ["name"] },
  ]);

  test("names its principal, tenant, roles and fields", () => {
    expect(keys.principalOf(key)).toEqual({
      name: "key:ci-writer",
      tenant: "acme",
      roles: ["writer"],
      fields: new Set(["name"]),
    });
  });

  test("is refused when its secret, its id or its form is another", () => {
    const { key: other } = makeApiKey("ci-writer", random);
    for (const wrong of [
      other,
      key.replace("ci-writer", "ci"),
      key.slice(0, -1),
      `${key}A`,
      "atoll_",
    ]) {
      expect(keys.principalOf(wrong)).toBeUndefined();
    }
  });

  test("is kept as a hash from which it cannot be read", () => {
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(key).not.toContain(hash);
  });
});

describe.each(["EdDSA", "ES256", "RS256"])("a token signed with %s", (algorithm) => {
  let jwk: JWK;
  let signer: Awaited<ReturnType<typeof generateKeyPair>>["privateKey"];

  beforeAll(async () => {
    const pair = await generateKeyPair(algorithm, { extractable: true });
    signer = pair.privateKey;
    jwk = { ...(await exportJWK(pair.publicKey)), kid: "k1", alg: algorithm };
  });

  const bearer = () =>
    new Bearer({ issuer: ISSUER, audience: AUDIENCE, keys: { keys: [jwk] }, clock });
  const token = (claims: Record<string, unknown>, key = signer) =>
    new SignJWT({ iss: ISSUER, aud: AUDIENCE, sub: "ada", exp: nowSeconds + 600, ...claims })
      .setProtectedHeader({ alg: algorithm, kid: "k1" })
      .sign(key);

  test("names its principal", async () => {
    const claims = { roles: "reader auditor admin", tenant: "acme", fields: ["name", "bio"] };
    expect(await bearer().principalOf(await token(claims))).toEqual({
      name: `jwt:${ISSUER}#ada`,
      tenant: "acme",
      roles: ["reader", "auditor"],
      fields: new Set(["name", "bio"]),
    });
  });

  test("is verified once, and believed at once the next time, but not beyond its end", async () => {
    const known = bearer();
    const text = await token({ exp: nowSeconds + 30 });
    await known.principalOf(text);
    expect(known.principalOf(text)).not.toBeInstanceOf(Promise);
    clock.advance(31_000 + 5_000);
    await expect(known.principalOf(text)).rejects.toThrow("it has expired");
    clock.advance(-36_000);
  });

  test.each([
    ["another issuer", { iss: "https://evil.example" }, "its iss is not right"],
    ["another audience", { aud: "billing" }, "its aud is not right"],
    ["an end in the past", { exp: nowSeconds - 60 }, "it has expired"],
    ["no end", { exp: undefined }, "its exp is not right"],
    ["nobody as subject", { sub: undefined }, "its sub is not right"],
    ["a tenant that is no name", { tenant: "../x" }, "its tenant is not the name of one"],
    ["roles that are no names", { roles: [1] }, "must be texts"],
  ])("is refused with %s", async (_what, claims, reason) => {
    const text = await token(claims);
    await expect(Promise.resolve(bearer().principalOf(text))).rejects.toThrow(reason);
  });

  test("is refused when somebody else signed it, or nobody", async () => {
    const other = await generateKeyPair(algorithm);
    const forged = await token({ roles: "operator" }, other.privateKey);
    await expect(Promise.resolve(bearer().principalOf(forged))).rejects.toThrow("its signature");
    const [, body] = forged.split(".");
    const header = Buffer.from('{"alg":"none"}').toString("base64url");
    const unsigned = Promise.resolve(bearer().principalOf(`${header}.${body}.`));
    await expect(unsigned).rejects.toMatchObject({ code: "unauthenticated" });
  });

  test("is refused when it is signed with the public key as a shared secret", async () => {
    const secret = Buffer.from(JSON.stringify(jwk));
    const confused = await new SignJWT({
      iss: ISSUER,
      aud: AUDIENCE,
      sub: "eve",
      exp: nowSeconds + 60,
    })
      .setProtectedHeader({ alg: "HS256", kid: "k1" })
      .sign(secret);
    const answer = Promise.resolve(bearer().principalOf(confused));
    await expect(answer).rejects.toMatchObject({ code: "unauthenticated" });
  });
});

describe("credentials", () => {
  test("are replaced as a whole, so that a revoked key is refused", () => {
    const { key, hash } = makeApiKey("a", new SeededRandom("revoked"));
    const credentials = new Credentials(
      new ApiKeys([{ id: "a", hash, roles: ["reader"] }]),
      undefined,
    );
    expect(credentials.principalOf(key)).toMatchObject({ name: "key:a" });
    credentials.replace(new ApiKeys([]), undefined);
    expect(() => credentials.principalOf(key)).toThrow("not one of this region's");
  });

  test("that are tokens are refused where only keys are taken", () => {
    const credentials = new Credentials(new ApiKeys([]), undefined);
    expect(() => credentials.principalOf("a.b.c")).toThrow("takes API keys only");
  });
});
