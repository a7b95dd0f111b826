// An entry waits for a parent that came back by another way than an entry: its document was restored by the scrub.
import { expect, test } from "vitest";
import { must, silentLog } from "@atoll/core";
import { copies, edit, expectSame } from "./copies.fixture.ts";
import { ScrubJob } from "./scrub-job.ts";
import { scrubAside } from "./scrub-standing.ts";

test("entries that wait for parents which are here are applied by the scrub, each once", () => {
  const [writer, reader] = copies();
  const { replica } = must(reader, "reader");
  const source = must(writer, "writer");
  for (const displayName of ["a", "b", "c"]) {
    edit(source, "p", { kind: "merge-patch", patch: { displayName } });
  }
  const [first, second, third] = source.entries.map((entry) => must(entry, "an entry"));
  replica.ingest([must(first, "first")], { region: "test", repair: false });
  replica.group.open();
  replica.waitingRoom.add(must(second, "second"), must(first, "first").hash);
  replica.waitingRoom.add(must(third, "third"), must(second, "second").hash);
  replica.flush();
  expect(replica.store.countPending()).toBe(2);

  const job = new ScrubJob(replica, silentLog);
  Array.from(scrubAside(job));
  replica.flush();
  expect(job.found).toBe(1); // the other was released with its parent
  expectSame([source, must(reader, "reader")], ["p"]);
});
