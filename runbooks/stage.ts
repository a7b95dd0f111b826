/** What the acts of a drill work on. */
import type { FaultyCluster } from "../packages/server/faulty-links.fixture.ts";

export interface Stage {
  readonly cluster: FaultyCluster;
  /** For copies and whatever else a drill leaves. */
  readonly directory: string;
  /** To be done when the drill is over and no region runs any more, the last first. */
  readonly afterwards: (() => void)[];
}
