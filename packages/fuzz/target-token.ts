/**
 * Session tokens from clients: none but those that the cluster made is believed, whatever it looks like.
 */
import type { RegionCode, RegionVector } from "@atoll/core";
import { hlcFromMs } from "@atoll/core";
import { SessionTokens } from "@atoll/sync";
import { cluster } from "./fleet.ts";
import { mutateBytes } from "./mutations.ts";
import type { FuzzTarget } from "./target.ts";
import { expectThat } from "./target.ts";

export const tokenTarget: FuzzTarget = {
  name: "token",
  summary: "a session token: refused with a reason unless it was issued",

  open() {
    const tokens = new SessionTokens(cluster);
    const vectors: RegionVector[] = [0, 1, 3, 12].map(
      (regions) =>
        new Map(
          Array.from({ length: regions }, (_, i) => [
            (i + 1) as RegionCode,
            hlcFromMs(1_700_000_000_000 + i),
          ]),
        ),
    );
    const issued = new Set(vectors.map((vector) => tokens.encode(vector)));
    return Promise.resolve({
      seeds: [...issued].map((token) => Buffer.from(token)),
      mutate(input, random) {
        if (random.below(2) === 0) return mutateBytes(input, random);
        const bytes = Buffer.from(Buffer.from(input).toString(), "base64url");
        return Buffer.from(Buffer.from(mutateBytes(bytes, random)).toString("base64url"));
      },
      run(input) {
        const text = Buffer.from(input).toString("latin1");
        const parsed = tokens.parse(text);
        if (parsed.kind === "vector") {
          // The last character of base64 has bits that mean nothing.
          const canonical = Buffer.from(text, "base64url").toString("base64url");
          expectThat(issued.has(canonical), "a token that nobody issued is believed");
        }
        return Promise.resolve();
      },
      close: () => Promise.resolve(),
    });
  },
};
