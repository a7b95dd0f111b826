/**
 * How far a long command is: a bar for a person who watches, a line now and then for a log.
 */
import progressBars from "cli-progress";
import type { Clock } from "@atoll/core";
import type { Terminal } from "./terminal.ts";

/** Between two lines in a log. */
const LINE_PERIOD_MS = 5_000;

export interface Progress {
  /** `note`: a short phrase beside the bar. */
  update(value: number, note: string): void;
  stop(): void;
}

export function startProgress(
  { terminal, clock }: { readonly terminal: Terminal; readonly clock: Clock },
  { label, total }: { readonly label: string; readonly total: number },
): Progress {
  return terminal.isErrLive ? bar(terminal, label, total) : lines(terminal, clock, label, total);
}

function bar(terminal: Terminal, label: string, total: number): Progress {
  const single = new progressBars.SingleBar(
    {
      format: `${label} {bar} {percentage}%  {note}`,
      stream: terminal.stderr,
      hideCursor: true,
      clearOnComplete: true,
      fps: 8,
    },
    progressBars.Presets.shades_classic,
  );
  single.start(total, 0, { note: "" });
  return {
    update: (value, note) => single.update(value, { note }),
    stop: () => single.stop(),
  };
}

function lines(terminal: Terminal, clock: Clock, label: string, total: number): Progress {
  let dueMs = clock.monotonicMs() + LINE_PERIOD_MS;
  return {
    update(value, note) {
      if (clock.monotonicMs() < dueMs) return;
      dueMs = clock.monotonicMs() + LINE_PERIOD_MS;
      const percent = Math.floor((100 * value) / Math.max(1, total));
      terminal.tell(`${label}: ${percent} %, ${note}`);
    },
    stop: () => undefined,
  };
}
