/**
 * Peers in etcd: a key per region, `PREFIX/eu-west-1`, whose value is the URL at which it listens.
 *
 * Read and watched through etcd's JSON gateway (`/v3/kv/range`, `/v3/watch`), which needs no client library. The
 * watch begins at the revision behind the read, so that nothing is missed in between; what it says is only that
 * something has changed, and the whole prefix is read again.
 */
import { limits } from "@atoll/core";
import type { Discovery, DiscoveryHost, FoundPeers } from "./discovery.ts";
import { peerUrlOf } from "./discovery.ts";
import { keepAsking } from "./rounds.ts";

export interface EtcdPlace {
  /** Asked in turn. */
  readonly endpoints: readonly string[];
  readonly prefix: string;
}

interface RangeAnswer {
  readonly header: { readonly revision: string };
  readonly kvs?: readonly { readonly key: string; readonly value?: string }[];
}

export function discoverByEtcd(place: EtcdPlace, host: DiscoveryHost): Discovery {
  const { clock, log, found } = host;
  const prefix = place.prefix.endsWith("/") ? place.prefix : `${place.prefix}/`;
  const range = { key: base64(prefix), range_end: base64(after(prefix)) };
  let turn = 0;
  return keepAsking({
    what: `etcd ${prefix}`,
    clock,
    log,
    async round(signal) {
      const endpoint = place.endpoints[turn % place.endpoints.length] ?? "";
      turn++; // a round that fails is followed by one with the next
      const read = await post(endpoint, "/v3/kv/range", range, signal);
      const answer = (await read.json()) as RangeAnswer;
      if (signal.aborted) return 0;
      found(peersOf(answer, prefix, host));
      turn--;
      const from = String(BigInt(answer.header.revision) + 1n);
      await changed(endpoint, { ...range, start_revision: from }, signal);
      return 0;
    },
  });
}

/** Resolves when something has changed, or when the watch has waited long enough to be begun anew. */
async function changed(
  endpoint: string,
  create: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<void> {
  const waiting = AbortSignal.timeout(limits.DISCOVERY_WATCH_MS);
  const either = AbortSignal.any([signal, waiting]);
  try {
    const answer = await post(endpoint, "/v3/watch", { create_request: create }, either);
    const decoder = new TextDecoder();
    let text = "";
    for await (const chunk of answer.body ?? []) {
      text += decoder.decode(chunk as Uint8Array, { stream: true });
      // The first line says that the watch was made; a watch that is refused says so and ends.
      if (/"events":|"canceled":true/.test(text)) return;
      text = text.slice(text.lastIndexOf("\n") + 1);
    }
  } catch (error) {
    if (!waiting.aborted) throw error;
  }
}

async function post(
  endpoint: string,
  path: string,
  body: unknown,
  signal: AbortSignal,
): Promise<Response> {
  const answer = await fetch(new URL(path, endpoint), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    signal,
  });
  if (!answer.ok) throw new Error(`${endpoint} answers ${answer.status}`);
  return answer;
}

function peersOf(
  { kvs = [] }: RangeAnswer,
  prefix: string,
  { regions, scheme }: DiscoveryHost,
): FoundPeers {
  const values = new Map(
    kvs.map(({ key, value = "" }) => [text(key).slice(prefix.length), text(value)]),
  );
  const peers = regions.map(
    (region) => [region, peerUrlOf(values.get(region) ?? "", scheme)] as const,
  );
  return new Map(peers.flatMap(([region, url]) => (url === undefined ? [] : [[region, url]])));
}

/** The first key behind all that begin so. Prefixes end with a slash, never with the highest byte. */
function after(prefix: string): string {
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
}

function base64(plain: string): string {
  return Buffer.from(plain, "utf8").toString("base64");
}

function text(encoded: string): string {
  return Buffer.from(encoded, "base64").toString("utf8");
}
