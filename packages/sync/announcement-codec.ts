/**
 * Lanes with a number each, as HEARTBEAT and COMPARE-LANES carry them: grouped by origin, because a region
 * has one origin at a time and a lane of it in every shard.
 */
import type { ByteReader, ByteWriter, Origin } from "@atoll/core";
import { ByteStreamError, limits } from "@atoll/core";
import type { Announcement } from "./messages.ts";
import { readOrigin } from "./wire-fields.ts";

/** Grouped by origin, shards ascending: origin, count, then (shard delta, contig). */
export function writeAnnouncements(writer: ByteWriter, lanes: readonly Announcement[]): void {
  const byOrigin = new Map<Origin, Announcement[]>();
  for (const lane of lanes) {
    const group = byOrigin.get(lane.origin);
    if (group === undefined) byOrigin.set(lane.origin, [lane]);
    else group.push(lane);
  }
  writer.varint(byOrigin.size);
  for (const [origin, group] of byOrigin) {
    writer.varint(origin).varint(group.length);
    let previous = 0;
    for (const { shard, contig } of group.sort((a, b) => a.shard - b.shard)) {
      writer.varint(shard - previous).varint(contig);
      previous = shard;
    }
  }
}

export function readAnnouncements(reader: ByteReader): Announcement[] {
  const lanes: Announcement[] = [];
  const origins = reader.count(limits.WIRE_LIST_MAX);
  for (let i = 0; i < origins; i++) {
    const origin = readOrigin(reader);
    let shard = 0;
    const count = reader.count(limits.WIRE_LIST_MAX);
    for (let j = 0; j < count; j++) {
      shard += reader.varint();
      lanes.push({ shard, origin, contig: reader.varint() });
    }
    if (lanes.length > limits.WIRE_LIST_MAX) throw new ByteStreamError("too many lanes");
  }
  return lanes;
}
