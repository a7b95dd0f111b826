/** What the catch-up bench found, for a person. */
import type { Outcome } from "./catch-up-figures.ts";
import type { Table } from "./table.ts";

export function catchUpTables(outcomes: readonly Outcome[]): Table[] {
  const wire: Table = {
    title: "On the wire",
    columns: [
      "outage",
      "entries",
      "payload B/entry",
      "overhead B/entry",
      "metadata B/entry",
      "wire ÷ payload",
      "if deflated",
      "if zstd",
    ],
    rows: outcomes.map(({ name, figures }) => [
      ...[name, figures.entries, figures.payloadBytesPerEntry, figures.entryOverheadBytesPerEntry],
      ...[figures.metadataBytesPerEntry, figures.wireToPayload],
      ...[figures.wireToPayloadIfDeflated, figures.wireToPayloadIfZstd],
    ]),
  };
  const ingest: Table = {
    title: "Taken in, SQLite with synchronous=FULL",
    columns: [
      "outage",
      "entries/CPU s",
      "entries/s",
      "groups",
      "CPU s",
      "s",
      "live: entries/CPU s",
      "live: s",
    ],
    rows: outcomes.map(({ name, figures: { ingest: alone, live } }) => [
      ...[name, alone.entriesPerCpuSecond, alone.entriesPerSecond, alone.groups],
      ...[alone.cpuSeconds, alone.wallSeconds, live.entriesPerCpuSecond, live.seconds],
    ]),
  };
  const profiles = outcomes.flatMap(({ name, figures: { profile } }): Table[] =>
    profile === null
      ? []
      : [
          {
            title: `${name}: stages of the ingest`,
            columns: ["stage", "µs/entry", "share"],
            rows: profile.stages.map((row) => [row.stage, row.microsPerEntry, row.share]),
          },
          {
            title: `${name}: functions by their own time`,
            columns: ["function", "µs/entry", "share"],
            rows: profile.hottest.map((row) => [row.where, row.microsPerEntry, row.share]),
          },
        ],
  );
  return [wire, ingest, ...profiles];
}
