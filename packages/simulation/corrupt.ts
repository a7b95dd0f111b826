/**
 * Frames that are damaged on the way, as far as replication promises to notice.
 *
 * Links are encrypted and authenticated, so damage means a peer whose memory or code is broken. A frame that
 * is cut short must end the link; a change whose bytes do not bear its name must be set aside, asked for
 * again, and delay nobody.
 */
import type { Random } from "@atoll/core";
import { must } from "@atoll/core";
import { decodeFrame, encodeMessage } from "@atoll/sync";

/** Undefined: this one stays as it is. */
export function corruptFrame(frame: Uint8Array, random: Random): Uint8Array | undefined {
  const decoded = decodeFrame(frame);
  if (decoded.kind !== "message") return undefined;
  const { message, version } = decoded;
  if (message.kind !== "batch" || message.entries.length === 0 || random.below(3) === 0) {
    return frame.slice(0, 2 + random.below(Math.max(1, frame.length - 2)));
  }
  const victim = random.below(message.entries.length);
  const entries = message.entries.map((entry, i) => {
    if (i !== victim) return entry;
    const change = new Uint8Array(entry.change);
    // Behind the header: its name is the hash of what follows, and no longer fits.
    const at = 9 + random.below(Math.max(1, change.length - 9));
    change[at] = must(change[at] ?? 0, "a byte") ^ (1 << random.below(8));
    return { ...entry, change };
  });
  return encodeMessage({ ...message, entries }, version);
}
