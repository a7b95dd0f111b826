/** What is handed out is Automerge's own: any program that speaks it reads the same profile. */
import * as A from "@automerge/automerge";
import { expect, test } from "vitest";
import { Copy } from "./fleet.fixture.ts";

interface Stored {
  readonly profile: { readonly bio: string; readonly a: { toString(): string } };
}

test("a saved document and its changes load in Automerge, at the same heads", () => {
  const copy = new Copy(1);
  copy.edit({ kind: "put", value: { bio: "text", a: "register", free: { b: [1] } } });
  const middle = copy.profile.heads();
  copy.edit({ kind: "merge-patch", patch: { bio: "texts" } });
  const inspection = copy.profile.inspect();

  const whole = A.load<Stored>(inspection.save());
  expect(A.getHeads(whole)).toEqual(copy.heads());
  expect(whole.profile.bio).toBe("texts");
  expect(String(whole.profile.a)).toBe("register");

  const all = inspection.changesSince([]);
  const since = inspection.changesSince(middle);
  expect(since).toHaveLength(1);
  const old = A.loadIncremental(A.init<Stored>(), Buffer.concat(all.slice(0, -1)));
  expect(old.profile.bio).toBe("text");
  const caughtUp = A.loadIncremental(old, Buffer.concat(since));
  expect(A.getHeads(caughtUp)).toEqual(copy.heads());
  copy.profile.free();
});
