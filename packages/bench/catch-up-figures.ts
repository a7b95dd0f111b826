/** From what was recorded and metered to what is reported. */
import { deflateRawSync, zstdCompressSync } from "node:zlib";
import { assert } from "@atoll/core";
import type { JsonObject } from "@atoll/profile";
import type { FrameRecorder } from "./frame-recorder.ts";
import type { IngestResult } from "./ingest-run.ts";
import { stagesOf } from "./ingest-run.ts";
import { rounded } from "./table.ts";

const HOT_FUNCTIONS = 10;

export interface Outcome {
  readonly name: string;
  readonly figures: ReturnType<typeof wireFigures> & {
    readonly ingest: ReturnType<typeof ingestFigures>;
    readonly live: LiveFigures;
    readonly profile: ReturnType<typeof profileFigures> | null;
  };
}

export interface LiveFigures extends JsonObject {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly entriesPerCpuSecond: number;
  readonly peerCpuSeconds: number;
}

export function wireFigures(recorder: FrameRecorder, frames: readonly Uint8Array[]) {
  const batches = recorder.of("entries");
  const entries = batches.reduce((sum, { entryCount }) => sum + entryCount, 0);
  const payload = batches.reduce((sum, frame) => sum + frame.changeBytes, 0);
  const batchBytes = recorder.bytesOf("entries");
  const metadata = recorder.bytesOf("link", "log");
  const wire = metadata + batchBytes;
  const compressed = (compress: (frame: Uint8Array) => Uint8Array): number =>
    rounded((metadata + frames.reduce((sum, frame) => sum + compress(frame).length, 0)) / payload);
  return {
    entries,
    batches: batches.length,
    payloadBytesPerEntry: rounded(payload / entries, 1),
    metadataBytesPerEntry: rounded(metadata / entries),
    entryOverheadBytesPerEntry: rounded((batchBytes - payload) / entries, 1),
    wireToPayload: rounded(wire / payload),
    wireToPayloadIfDeflated: compressed((frame) => deflateRawSync(frame, { level: 1 })),
    wireToPayloadIfZstd: compressed((frame) => zstdCompressSync(frame)),
    bytesByKind: recorder.bytesByKind(),
  };
}

export function ingestFigures({ entries, groups, cpuSeconds, wallSeconds }: IngestResult) {
  return {
    entries,
    groups,
    cpuSeconds: rounded(cpuSeconds),
    wallSeconds: rounded(wallSeconds),
    entriesPerCpuSecond: Math.round(entries / cpuSeconds),
    entriesPerSecond: Math.round(entries / wallSeconds),
  };
}

export function profileFigures({ entries, profile }: IngestResult) {
  assert(profile !== undefined, "this run was profiled");
  const stages = Object.entries(stagesOf(profile)).map(([stage, ms]) => ({
    stage,
    microsPerEntry: rounded((ms * 1e3) / entries, 1),
    share: rounded(ms / profile.totalMs),
  }));
  const hottest = profile.bySelf.slice(0, HOT_FUNCTIONS).map(({ where, selfMs, share }) => ({
    where,
    microsPerEntry: rounded((selfMs * 1e3) / entries, 1),
    share: rounded(share),
  }));
  return { totalMs: Math.round(profile.totalMs), stages, hottest };
}
