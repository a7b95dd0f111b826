/**
 * Links through our own proxies: one for each region that dials another. Needs no privileges.
 *
 *     us-east-1 ══ proxy ══ eu-west-1          it does not matter who dials: what a says to b goes `out`
 *         ╚═══ proxy ═══╗ ╔═ proxy ═╝          through the proxy a>b and `back` through b>a
 *                    ap-northeast-1
 */
import type { Random } from "@atoll/core";
import { must } from "@atoll/core";
import type { Impairment } from "./impairment.ts";
import { LinkProxy } from "./link-proxy.ts";
import type { Links } from "./links.ts";

const HOST = "127.0.0.1";

export class ProxyLinks implements Links {
  readonly backend = "proxy";
  /** By `dialler>listener`. */
  readonly #proxies: ReadonlyMap<string, LinkProxy>;

  static async open(
    regions: readonly { readonly name: string; readonly peerPort: number }[],
    random: Random,
  ): Promise<ProxyLinks> {
    const proxies = new Map<string, LinkProxy>();
    for (const from of regions) {
      for (const to of regions) {
        if (from === to) continue;
        const name = `${from.name}>${to.name}`;
        const options = { targetPort: to.peerPort, random: random.fork(name), isWebSocket: true };
        proxies.set(name, await LinkProxy.open(options));
      }
    }
    return new ProxyLinks(proxies);
  }

  private constructor(proxies: ReadonlyMap<string, LinkProxy>) {
    this.#proxies = proxies;
  }

  hostOf(_region: string): string {
    return HOST;
  }

  listenHostOf(_region: string): string {
    return HOST;
  }

  dialUrl(from: string, to: string): string {
    return `ws://${HOST}:${this.#proxy(from, to).port}`;
  }

  enter(_region: string): readonly string[] {
    return [];
  }

  set(from: string, to: string, change: Partial<Impairment>): void {
    this.#proxy(from, to).impair("out", change);
    this.#proxy(to, from).impair("back", change);
  }

  reset(one: string, other: string): number {
    return this.#proxy(one, other).reset() + this.#proxy(other, one).reset();
  }

  dials(from: string, to: string): number {
    return this.#proxy(from, to).dials;
  }

  clear(): void {
    for (const proxy of this.#proxies.values()) proxy.clear();
  }

  describe(): readonly string[] {
    return [...this.#proxies].map(([name, proxy]) => `${name} ${proxy.describe()}`);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#proxies.values()].map((proxy) => proxy.close()));
  }

  #proxy(from: string, to: string): LinkProxy {
    return must(this.#proxies.get(`${from}>${to}`), `a proxy from ${from} to ${to}`);
  }
}
