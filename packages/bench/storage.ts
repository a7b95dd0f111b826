/**
 * Bytes on the disk of a profile and of an edit, beside the bytes of the profile's canonical JSON.
 *
 *     usual   profiles of some 700 bytes, each after 0, 10 and 100 edits of one line, seconds apart
 *     spread  the same, each edit after a rest: what is written now and then is folded, and grows again, many times
 *     small   the smallest profiles, seconds apart: what is paid however little is said
 *     real    the real history of real profiles, whole (`data/`)
 *
 * Busy: right after the last edit, as while people write. At rest: a while later.
 *
 * Whole pages are counted as they are filled after such writing, by table. Documents and log are told apart: the
 * log is history kept for peers that catch up, and is trimmed when all have it. Nothing is trimmed here; what
 * trimming leaves is measured by `retention`. One region has written all; entries of several are a little larger.
 */
import { assert, limits } from "@atoll/core";
import type { ProfileId } from "@atoll/core";
import type { JsonObject } from "@atoll/profile";
import type { Bench, BenchReport, Budget } from "./bench.ts";
import { atMost } from "./bench.ts";
import { realEdits } from "./edit-history.ts";
import { httpProfile } from "./http-profiles.ts";
import { smallPatch, smallProfile } from "./small-edits.ts";
import type { Weight } from "./stored-profiles.ts";
import { StoredProfiles, documentBytes } from "./stored-profiles.ts";
import type { Table } from "./table.ts";
import { rounded } from "./table.ts";

const NORMAL = { usual: 1_000, spread: 400, small: 200, edits: [0, 10, 100], realEdits: Infinity };
const QUICK = { usual: 6, spread: 2, small: 4, edits: [0, 3, 50], realEdits: 100 };

const STORAGE_RATIO_MAX = 4;
/** From one write to the next, by turns: an edit of a profile comes before it rests, or after. */
const PAUSE_MS = { busy: 10, spread: 4 * limits.TAIL_REST_MS } as const;
/** As many at once as real people write at one time. */
const REAL_PAUSE_MS = 1_000;

/** What one weighing says: bytes per profile, and per edit beyond the profile's making. */
interface Figures extends JsonObject {
  readonly profiles: string;
  readonly count: number;
  readonly edits: number;
  readonly state: "busy" | "at rest";
  readonly json: number;
  readonly rows: number;
  readonly body: number;
  readonly base: number;
  readonly log: number;
  readonly rest: number;
  readonly free: number;
  readonly documentsToJson: number;
  readonly withLogToJson: number;
  readonly documentsPerEdit: number | null;
  readonly logPerEdit: number | null;
}

export const storageBench: Bench = {
  name: "storage",
  summary: "bytes on the disk per profile and per edit, beside its JSON",

  run({ quick, directory, tell }): Promise<BenchReport> {
    const size = quick ? QUICK : NORMAL;
    const writing = { directory, tell, edits: size.edits, pauseMs: PAUSE_MS.busy };
    const usual = edited("usual", httpProfile, { ...writing, count: size.usual });
    const pauseMs = Math.ceil(PAUSE_MS.spread / size.spread);
    const spread = edited("spread", httpProfile, { ...writing, pauseMs, count: size.spread });
    const small = edited("small", smallProfile, { ...writing, count: size.small });
    const history = real({ directory, tell, editsMax: size.realEdits });
    const results = [...usual, ...spread, ...small, ...history];
    return Promise.resolve({
      parameters: { ...size, realEdits: quick ? size.realEdits : "all" },
      figures: { results },
      budgets: usual
        .filter(({ edits }) => edits === size.edits.at(-1))
        .flatMap(({ edits, state, documentsToJson, withLogToJson }): Budget[] => [
          atMost(`documents, ${edits} edits, ${state} ÷ JSON`, documentsToJson, STORAGE_RATIO_MAX),
          atMost("the same with the log, untrimmed", withLogToJson, STORAGE_RATIO_MAX),
        ]),
      tables: [perProfile(results), perEdit(results)],
    });
  },
};

interface Writing {
  readonly directory: string;
  readonly tell: (line: string) => void;
}

interface Turns {
  readonly count: number;
  readonly edits: readonly number[];
  readonly pauseMs: number;
}

/** Every profile is edited as often as any other, in turns. */
function edited(
  name: string,
  profileOf: (n: number) => JsonObject,
  { directory, tell, count, edits, pauseMs }: Writing & Turns,
): Figures[] {
  const stored = new StoredProfiles(directory, name, pauseMs);
  const ids = Array.from({ length: count }, (_, n) => `${name}-${n}` as ProfileId);
  for (const [n, id] of ids.entries()) {
    stored.write({ id, edit: { kind: "put", value: profileOf(n) } });
  }
  let made: Weight | undefined;
  return edits.flatMap((target, i) => {
    for (let turn = edits[i - 1] ?? 0; turn < target; turn++) {
      for (const [n, id] of ids.entries()) {
        const patch = smallPatch(n + turn + 1); // what was said before was something else
        stored.write({ id, edit: { kind: "merge-patch", patch } });
      }
    }
    tell(`${count} ${name} profiles, ${target} edits`);
    const busy = stored.weighBusy();
    const atRest = stored.weighResting();
    if (i === edits.length - 1) stored.close();
    made ??= atRest;
    return [figuresOf(name, "busy", busy, made), figuresOf(name, "at rest", atRest, made)];
  });
}

/** Of these the making counts as an edit: some are made again, and nobody has weighed them when all were new. */
function real({ directory, tell, editsMax }: Writing & { readonly editsMax: number }): Figures[] {
  tell("real edits");
  const stored = new StoredProfiles(directory, "real", REAL_PAUSE_MS);
  let left = editsMax;
  for (const edit of realEdits(1)) {
    if (left-- <= 0) break;
    stored.write(edit);
  }
  const busy = stored.weighBusy();
  const atRest = stored.weighResting();
  stored.close();
  return [figuresOf("real", "busy", busy), figuresOf("real", "at rest", atRest)];
}

/** `made`: the same profiles before their first edit. */
function figuresOf(name: string, state: Figures["state"], weight: Weight, made?: Weight): Figures {
  const { profiles, changes, jsonBytes, logBytes } = weight;
  assert(profiles > 0, "there are profiles");
  const documents = documentBytes(weight);
  const edits = changes - (made?.changes ?? 0);
  const each = (bytes: number): number => Math.round(bytes / profiles);
  const perEdit = (more: number): number | null => (edits === 0 ? null : Math.round(more / edits));
  return {
    ...{ profiles: name, count: profiles, edits: rounded(edits / profiles, 1), state },
    ...{ json: each(jsonBytes), rows: each(weight.rowBytes), body: each(weight.bodyBytes) },
    ...{ base: each(weight.baseBytes), log: each(logBytes), rest: each(weight.restBytes) },
    free: each(weight.freeBytes),
    documentsToJson: rounded(documents / jsonBytes, 2),
    withLogToJson: rounded((documents + logBytes) / jsonBytes, 2),
    documentsPerEdit: perEdit(documents - (made === undefined ? 0 : documentBytes(made))),
    logPerEdit: perEdit(logBytes - (made?.logBytes ?? 0)),
  };
}

function perProfile(results: readonly Figures[]): Table {
  return {
    title: "Bytes on the disk, a profile",
    columns: [
      ...["profiles", "edits", "documents", "JSON", "rows", "body", "base", "÷ JSON"],
      ...["log", "with log ÷ JSON", "rest", "free"],
    ],
    rows: results.map((r) => [
      ...[r.profiles, r.edits, r.state, r.json, r.rows, r.body, r.base, r.documentsToJson],
      ...[r.log, r.withLogToJson, r.rest, r.free],
    ]),
  };
}

function perEdit(results: readonly Figures[]): Table {
  const rows = results.flatMap((r) => {
    const { documentsPerEdit: documents, logPerEdit: log } = r;
    if (documents === null || log === null) return [];
    return [[r.profiles, r.edits, r.state, documents, log, rounded((documents + log) / r.json, 2)]];
  });
  return {
    title: "Bytes on the disk, an edit",
    columns: ["profiles", "edits", "documents", "of documents", "log", "both ÷ JSON"],
    rows,
  };
}
