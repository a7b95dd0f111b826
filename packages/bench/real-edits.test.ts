/** The real edits of `data/`, as the incremental parts of a document meet them. */
import { expect, test } from "vitest";
import { DEFAULT_TENANT, isAtollError } from "@atoll/core";
import type { OpenProfile } from "@atoll/profile";
import { realEdits } from "./edit-history.ts";
import { benchCodec } from "./region-pair.ts";

const EDITS = 200;
const EMPTY = new Uint8Array();

/** Two writers take turns; each sees the other's edit some edits later, so some of them are concurrent. */
test("views kept up through real edits are the views of the whole documents", () => {
  const open = new Map<
    string,
    { readonly copies: OpenProfile[]; readonly waiting: Uint8Array[][][] }
  >();
  let compared = 0;
  let n = 0;
  for (const { id, edit } of realEdits()) {
    if (++n > EDITS) break;
    const identity = { tenant: DEFAULT_TENANT, id };
    let profile = open.get(id);
    if (profile === undefined) {
      const copies = [1, 2].map((actor) =>
        benchCodec.create(identity, new Uint8Array(16).fill(actor)),
      );
      open.set(id, (profile = { copies, waiting: [[], []] }));
    }
    const writer = n % 5 === 0 ? 1 : 0;
    const [own, other] = [profile.copies[writer], profile.copies[1 - writer]];
    if (own === undefined || other === undefined) continue;
    const context = { timeSeconds: n, deletedAtMs: n, identity };
    try {
      const result = own.edit(edit, context);
      if (result.changed) profile.waiting[1 - writer]?.push([...result.containers, result.change]);
    } catch (error) {
      if (!isAtollError(error)) throw error;
    }
    if (n % 3 === 0)
      profile.waiting[1 - writer]?.splice(0).forEach((chunks) => other.append(chunks));
    for (const copy of [own, other]) {
      // `save` compares every value; a document opened from it is shown as a whole.
      const whole = benchCodec.open({ base: copy.save(), tail: EMPTY }, new Uint8Array(16).fill(9));
      const { profileId } = copy.render(); // of a document that nobody wrote in, only its maker knows
      expect(copy.render()).toEqual({ ...whole.render(), profileId });
      whole.free();
      compared++;
    }
  }
  expect(compared).toBeGreaterThan(EDITS);
  for (const { copies } of open.values()) copies.forEach((copy) => copy.free());
});
