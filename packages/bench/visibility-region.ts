/**
 * One region of the visibility bench, as a process of its own: writes at a fixed rate, whatever becomes of
 * the writes before, and looks at what the others write as soon as a frame has come.
 *
 * Write n sets the headline of profile n modulo their number to n, so a reader who finds n there has seen
 * write n. The first round makes the profiles and is not measured.
 */
import { join } from "node:path";
import type { RegionName } from "@atoll/core";
import {
  assert,
  errorText,
  must,
  regionByName,
  silentLog,
  systemClock,
  systemRandom,
} from "@atoll/core";
import type { JsonObject } from "@atoll/profile";
import { RegionDriver } from "@atoll/replica";
import { openSqliteStore } from "@atoll/store";
import type { Transport } from "@atoll/sync";
import { WebSocketTransport } from "@atoll/sync";
import { preciseWallMs } from "./precise-clock.ts";
import { benchCluster, benchCodec } from "./region-pair.ts";
import { NO_SESSION, VisibilityReader, visibleIn } from "./visibility-reader.ts";
import type { FromRegion, ToRegion, VisibilityPlan } from "./visibility-messages.ts";

/** Writes under way while profiles are made. */
const PREPARE_AT_ONCE = 32;
const REST: JsonObject = { location: { city: "Somewhere" }, website: "https://example.com/" };

const plan = JSON.parse(must(process.argv[2], "a plan")) as VisibilityPlan;
const wallMs = preciseWallMs(systemClock);
const others = plan.regions.filter((name) => name !== plan.region);
const received: ToRegion[] = [];
let wake: (() => void) | undefined;

process.on("message", (message) => {
  received.push(message as ToRegion);
  wake?.();
});
process.on("disconnect", () => process.exit(1)); // whoever asked is gone

await live().catch((error: unknown) => {
  process.stderr.write(`${plan.region}: ${errorText(error)}\n`);
  process.exit(1);
});

async function live(): Promise<void> {
  const listen = { host: "127.0.0.1", port: 0 };
  const sockets = new WebSocketTransport({ listen, log: silentLog });
  send({ kind: "listening", port: await sockets.listen() });
  const { portByRegion } = await next("peers");
  const urls = new Map(others.map((name) => [name, `ws://127.0.0.1:${portByRegion[name]}`]));
  const store = openSqliteStore({ path: join(plan.directory, "atoll.sqlite") });
  const cluster = benchCluster(plan.regions);
  const readers: VisibilityReader[] = [];
  const driver = new RegionDriver({
    cluster,
    region: must(regionByName(cluster, plan.region), plan.region),
    store,
    transport: afterEachFrame(sockets, () => readers.forEach((reader) => reader.look())),
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    codec: benchCodec,
    peers: new Map(
      [...urls].map(([name, url]) => [
        must(regionByName(cluster, name as RegionName), name).code,
        url,
      ]),
    ),
    version: "bench",
  });
  const { service } = driver;
  for (const region of others) {
    readers.push(new VisibilityReader({ service, region, profiles: plan.profiles, wallMs }));
  }
  send({ kind: "attached" });
  await next("start");
  driver.start();
  for (let n = 0; n < plan.profiles; n += PREPARE_AT_ONCE) {
    const count = Math.min(PREPARE_AT_ONCE, plan.profiles - n);
    await Promise.all(Array.from({ length: count }, (_, i) => write(driver, n + i)));
  }
  await Promise.all(readers.map((reader) => reader.until(plan.profiles)));
  send({ kind: "prepared" });
  await next("write");
  let startMs = wallMs();
  let start = process.cpuUsage();
  systemClock.after(plan.warmUpSeconds * 1e3, () => {
    startMs = wallMs();
    start = process.cpuUsage();
  });
  const { dueMs, ackedMs } = await writeOpenLoop(driver);
  await Promise.all(readers.map((reader) => reader.until(plan.profiles + dueMs.length)));
  const { user, system } = process.cpuUsage(start);
  const coresBusy = (user + system) / 1e3 / (wallMs() - startMs);
  const seen = readers.map(({ region, seenMs }) => [region, seenMs.slice(plan.profiles)] as const);
  const seenMsByRegion = Object.fromEntries(seen);
  send({ kind: "written", dueMs, ackedMs, coresBusy, seenMsByRegion });
  await next("stop");
  await driver.close();
  store.close();
  process.disconnect();
}

/** Write i is sent when it is due, also when those before it are not answered yet. */
async function writeOpenLoop(
  driver: RegionDriver,
): Promise<{ dueMs: number[]; ackedMs: number[] }> {
  const count = Math.round(plan.writesPerSecond * (plan.warmUpSeconds + plan.seconds));
  const periodMs = 1e3 / plan.writesPerSecond;
  const shiftMs = (periodMs * plan.regions.indexOf(plan.region)) / plan.regions.length;
  const startMs = wallMs() + shiftMs;
  const dueMs = Array.from({ length: count }, (_, i) => startMs + i * periodMs);
  const ackedMs: number[] = new Array<number>(count).fill(0);
  const writing: Promise<void>[] = [];
  while (writing.length < count) {
    const nextMs = must(dueMs[writing.length], "a write to come");
    if (wallMs() < nextMs) await after(nextMs - wallMs());
    const i = writing.length;
    writing.push(
      write(driver, plan.profiles + i).then(() => {
        ackedMs[i] = wallMs();
      }),
    );
  }
  await Promise.all(writing);
  return { dueMs, ackedMs };
}

async function write(driver: RegionDriver, n: number): Promise<void> {
  const isNew = n < plan.profiles;
  const patch: JsonObject = {
    headline: String(n),
    ...(isNew && { displayName: `Person ${n}`, ...REST }),
  };
  const id = visibleIn(plan.region, n, plan.profiles);
  const edit = { kind: "merge-patch", patch } as const;
  const answer = await driver.service.write(id, edit, {}, NO_SESSION, { upsert: true });
  assert(answer.kind === "written" && answer.changed, "every write changes something");
}

/** Runs once at the end of a turn in which frames came: by then they are committed. */
function afterEachFrame(transport: Transport, run: () => void): Transport {
  let isToRun = false;
  const ended = (): void => {
    isToRun = false;
    run();
  };
  return {
    attach: (handler) =>
      transport.attach({
        linkUp: (link, dialled) => handler.linkUp(link, dialled),
        linkDown: (link, reason) => handler.linkDown(link, reason),
        frame: (link, bytes) => {
          handler.frame(link, bytes);
          if (isToRun) return;
          isToRun = true;
          systemClock.afterTurn(ended);
        },
      }),
    dial: (url) => transport.dial(url),
    send: (link, frame) => transport.send(link, frame),
    backlogBytes: (link) => transport.backlogBytes(link),
    close: (link, reason) => transport.close(link, reason),
    stop: () => transport.stop(),
  };
}

function send(message: FromRegion): void {
  process.send?.(message);
}

async function next<Kind extends ToRegion["kind"]>(
  kind: Kind,
): Promise<Extract<ToRegion, { kind: Kind }>> {
  while (received.length === 0) {
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
  const message = must(received.shift(), "a message");
  assert(message.kind === kind, `${kind} is next, not ${message.kind}`);
  return message as Extract<ToRegion, { kind: Kind }>;
}

function after(delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    systemClock.after(delayMs, resolve);
  });
}
