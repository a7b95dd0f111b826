/**
 * The history as JSON lines: two for each call, as Jepsen writes them, and one for each end of a fault.
 *
 *     {"index":4,"time":1203411000,"type":"invoke","process":3,"f":"write","key":"m4", …}
 *     {"index":5,"time":1988120000,"type":"ok","process":3,"f":"write","key":"m4", …}
 *
 * This is the record that everything else is derived from; `time` is monotonic nanoseconds since the start of
 * the run. A call without an answer ends as `info`: nobody knows whether it was done.
 */
import type { Call } from "@atoll/simulation/workload";
import type { FaultRecord } from "../run/stage.ts";
import { processesOf } from "./processes.ts";

export interface HistoryLine {
  readonly time: number;
  readonly type: "invoke" | "ok" | "fail" | "info";
  readonly process: number | "nemesis";
  readonly f: string;
  readonly [more: string]: unknown;
}

export function historyLines(
  calls: readonly Call[],
  faults: readonly FaultRecord[],
  regions: readonly string[],
): (HistoryLine & { readonly index: number })[] {
  const processes = processesOf(calls);
  const lines = [
    ...calls.flatMap((call) => linesOf(call, processes.get(call) ?? 0, regions)),
    ...faults.flatMap(faultLines),
  ];
  return lines.sort((a, b) => a.time - b.time).map((line, index) => ({ index, ...line }));
}

function linesOf(call: Call, process: number, regions: readonly string[]): HistoryLine[] {
  const { outcome, edit, session, id, index, mark, added, removed, token } = call;
  const about = {
    process,
    f: edit === undefined ? "read" : edit.kind,
    call: index,
    key: id,
    node: regions[call.region] ?? `region ${call.region}`,
    ...(session >= 0 && { session }),
    ...(token !== undefined && { token }),
    ...(mark !== undefined && { mark }),
    ...(added !== undefined && { added }),
    ...(removed !== undefined && { removed }),
  };
  const invoke: HistoryLine = { time: toNs(call.invokedMs), type: "invoke", ...about, edit };
  if (outcome === undefined || call.completedMs === undefined) return [invoke];
  const time = toNs(call.completedMs);
  switch (outcome.kind) {
    case "found":
    case "absent":
      return [invoke, { time, type: "ok", ...about, outcome }];
    case "refused":
      return [invoke, { time, type: "fail", ...about, error: outcome.code }];
    case "unknown":
      return [invoke, { time, type: "info", ...about }];
  }
}

function faultLines({ what, fromMs, toMs }: FaultRecord): HistoryLine[] {
  const about = { process: "nemesis", f: "fault", value: what } as const;
  return [
    { time: toNs(fromMs), type: "info", ...about, ends: false },
    ...(toMs === undefined
      ? []
      : [{ time: toNs(toMs), type: "info", ...about, ends: true } as const]),
  ];
}

function toNs(ms: number): number {
  return Math.round(ms * 1e6);
}
