/**
 * What a region is given, so that all its work is measured and none of its neighbours' in the same process.
 *
 * A region only ever works when its clock or its transport calls it, so these two doors are enough.
 */
import type { Clock, Timer } from "@atoll/core";
import type { LinkId, Transport, TransportHandler } from "@atoll/sync";
import type { CpuMeter } from "./cpu-meter.ts";

export function meteredClock(clock: Clock, meter: CpuMeter): Clock {
  return {
    nowMs: () => clock.nowMs(),
    monotonicMs: () => clock.monotonicMs(),
    after: (delayMs: number, fire: () => void): Timer =>
      clock.after(delayMs, () => meter.measure(fire)),
    afterTurn: (run: () => void) => clock.afterTurn(() => meter.measure(run)),
  };
}

export function meteredTransport(transport: Transport, meter: CpuMeter): Transport {
  return {
    attach: (handler: TransportHandler) =>
      transport.attach({
        linkUp: (link, dialled) => meter.measure(() => handler.linkUp(link, dialled)),
        frame: (link, bytes) => meter.measure(() => handler.frame(link, bytes)),
        linkDown: (link, reason) => meter.measure(() => handler.linkDown(link, reason)),
      }),
    dial: (url: string): LinkId => transport.dial(url),
    send: (link: LinkId, frame: Uint8Array) => transport.send(link, frame),
    backlogBytes: (link: LinkId) => transport.backlogBytes(link),
    close: (link: LinkId, reason: string) => transport.close(link, reason),
    stop: () => transport.stop(),
  };
}
