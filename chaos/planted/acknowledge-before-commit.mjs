// A planted bug: a region that answers a write before it is durable, and commits when there is a batch.
//
// Every published loss of acknowledged writes has been this one, with other words around it. A suite that does
// not fail on it proves nothing. Loaded by `node --import` into processes of a run that must fail
// (`npm run chaos -- run NAME --planted acknowledge-before-commit`), never by the product.
import { systemClock } from "../../packages/core/clock.ts";
import { GroupCommit } from "../../packages/replica/group-commit.ts";

/** Long enough for a kill to find something in nearly every batch. */
const BATCH_MS = 2_000;

const { end } = GroupCommit.prototype;
let sinceMs = 0;

GroupCommit.prototype.durable = () => Promise.resolve();
GroupCommit.prototype.end = function endSeldom() {
  const nowMs = systemClock.monotonicMs();
  if (nowMs - sinceMs < BATCH_MS) return;
  sinceMs = nowMs;
  end.call(this);
};
