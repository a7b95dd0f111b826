/**
 * Links in the kernel: a network namespace for each region, and a veth between each two of them.
 *
 *     us-east-1 ─── 10.213.1.0/30 ─── eu-west-1        a namespace has one interface for each other region
 *         ╲                          ╱                 and one towards us, for clients and operators
 *     10.213.2.0/30        10.213.3.0/30
 *            ╲                    ╱                    cut, loss    nftables, where it would arrive
 *               ap-northeast-1                         bandwidth    tbf, where it leaves
 *
 * Packets are lost here as they are in a real network, one way and without a word, and TCP does what it does
 * about it. Needs root. Everything is made when a run begins and removed when it ends, also when we are told to
 * stop; names bear our process id, so that runs do not meet.
 */
import { execFileSync } from "node:child_process";
import { must } from "@atoll/core";
import type { Impairment } from "./impairment.ts";
import { UNIMPAIRED } from "./impairment.ts";
import type { Links } from "./links.ts";

const NETWORK = "10.213";
/** Second last byte of the subnets that lead to us; those of pairs begin at 1. */
const OUR_SUBNET = 200;
/** What may leave at once, and what may wait: about a second at the slowest rate that is used. */
const TBF_BURST_BYTES = 4_096;
const TBF_LATENCY = "1s";

interface Host {
  readonly name: string;
  readonly place: number;
  readonly namespace: string;
  readonly peerPort: number;
}

/** One direction: from a host's interface to another's. */
interface Way {
  readonly from: Host;
  readonly to: Host;
  readonly outInterface: string;
  readonly inInterface: string;
  /** Of `to`, as `from` sees it. */
  readonly address: string;
}

export class NetnsLinks implements Links {
  readonly backend = "netns";
  readonly #hosts: readonly Host[];
  readonly #ways = new Map<string, Way>();
  readonly #impairments = new Map<string, Impairment>();
  readonly #removeAtExit = (): void => this.#remove();
  #isRemoved = false;

  constructor(regions: readonly { readonly name: string; readonly peerPort: number }[]) {
    this.#hosts = regions.map(({ name, peerPort }, place) => {
      return { name, place, peerPort, namespace: `chaos-${process.pid}-${place}` };
    });
    process.once("exit", this.#removeAtExit);
    try {
      this.#build();
    } catch (error) {
      this.#remove();
      throw error;
    }
  }

  hostOf(region: string): string {
    return `${NETWORK}.${OUR_SUBNET + this.#host(region).place}.2`;
  }

  /** Whoever reaches the namespace: it ends at this machine. */
  listenHostOf(_region: string): string {
    return "0.0.0.0";
  }

  dialUrl(from: string, to: string): string {
    return `ws://${this.#way(from, to).address}:${this.#host(to).peerPort}`;
  }

  enter(region: string): readonly string[] {
    return ["ip", "netns", "exec", this.#host(region).namespace];
  }

  set(from: string, to: string, change: Partial<Impairment>): void {
    const key = `${from}>${to}`;
    const before = this.#impairments.get(key) ?? UNIMPAIRED;
    const now = { ...before, ...change };
    this.#impairments.set(key, now);
    this.#filter(this.#host(to));
    if (now.bytesPerSecond !== before.bytesPerSecond) shape(this.#way(from, to), now);
  }

  /** Nobody stands in the middle of a connection here. */
  reset(_one: string, _other: string): number {
    return 0;
  }

  dials(_from: string, _to: string): undefined {
    return undefined;
  }

  clear(): void {
    if (this.#isRemoved) return;
    for (const { from, to } of this.#ways.values()) this.set(from.name, to.name, UNIMPAIRED);
  }

  describe(): readonly string[] {
    return [...this.#impairments].map(
      ([name, impairment]) => `${name} ${JSON.stringify(impairment)}`,
    );
  }

  close(): Promise<void> {
    process.off("exit", this.#removeAtExit);
    this.#remove();
    return Promise.resolve();
  }

  #build(): void {
    for (const host of this.#hosts) {
      run("ip", "netns", "add", host.namespace);
      within(host, "ip", "link", "set", "lo", "up");
      within(host, "nft", "add", "table", "inet", "chaos");
      const chain = "{ type filter hook input priority 0 ; policy accept ; }";
      within(host, "nft", "add", "chain", "inet", "chaos", "arriving", chain);
      this.#joinUs(host);
    }
    let subnet = 1;
    for (const one of this.#hosts) {
      for (const other of this.#hosts.slice(one.place + 1)) this.#join(one, other, subnet++);
    }
  }

  /** Our own way to a region, on which nothing ever fails. */
  #joinUs({ place, namespace }: Host): void {
    const [ours, theirs] = [ourDevice(place), "operator0"];
    const subnet = `${NETWORK}.${OUR_SUBNET + place}`;
    run("ip", "link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", namespace);
    run("ip", "addr", "add", `${subnet}.1/30`, "dev", ours);
    run("ip", "link", "set", ours, "up");
    run("ip", "-n", namespace, "addr", "add", `${subnet}.2/30`, "dev", theirs);
    run("ip", "-n", namespace, "link", "set", theirs, "up");
  }

  #join(one: Host, other: Host, subnet: number): void {
    const ends = [
      { host: one, device: `to${other.place}`, address: `${NETWORK}.${subnet}.1` },
      { host: other, device: `to${one.place}`, address: `${NETWORK}.${subnet}.2` },
    ] as const;
    const [a, b] = ends;
    const make = ["link", "add", a.device, "type", "veth", "peer", "name", b.device];
    run("ip", "-n", one.namespace, ...make, "netns", other.namespace);
    for (const { host, device, address } of ends) {
      run("ip", "-n", host.namespace, "addr", "add", `${address}/30`, "dev", device);
      run("ip", "-n", host.namespace, "link", "set", device, "up");
    }
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      this.#ways.set(`${from.host.name}>${to.host.name}`, {
        from: from.host,
        to: to.host,
        outInterface: from.device,
        inInterface: to.device,
        address: to.address,
      });
    }
  }

  /** What may arrive at a host, from all others, in one step. */
  #filter(host: Host): void {
    const rules = [...this.#ways.values()]
      .filter(({ to }) => to === host)
      .flatMap(({ from, inInterface }) => {
        const { passage, lossRate } =
          this.#impairments.get(`${from.name}>${host.name}`) ?? UNIMPAIRED;
        const arriving = `add rule inet chaos arriving iifname "${inInterface}"`;
        if (passage === "swallow") return [`${arriving} drop`];
        if (lossRate === 0) return [];
        return [`${arriving} numgen random mod 1000 < ${Math.round(lossRate * 1_000)} drop`];
      });
    const script = ["flush chain inet chaos arriving", ...rules].join("\n");
    const [command = "", ...args] = [...this.enter(host.name), "nft", "-f", "-"];
    execFileSync(command, args, { input: `${script}\n`, stdio: ["pipe", "ignore", "pipe"] });
  }

  #remove(): void {
    if (this.#isRemoved) return;
    this.#isRemoved = true;
    for (const { namespace, place } of this.#hosts) {
      // With a namespace go its links, by and by; ours at once, so that the next run may have its address.
      tryTo("ip", "link", "del", ourDevice(place));
      tryTo("ip", "netns", "del", namespace);
    }
  }

  #host(name: string): Host {
    return must(
      this.#hosts.find((host) => host.name === name),
      `the region ${name}`,
    );
  }

  #way(from: string, to: string): Way {
    return must(this.#ways.get(`${from}>${to}`), `a way from ${from} to ${to}`);
  }
}

function shape({ from, outInterface }: Way, { bytesPerSecond }: Impairment): void {
  const device = ["dev", outInterface, "root"];
  if (bytesPerSecond === Infinity) return within(from, "tc", "qdisc", "del", ...device);
  const rate = `${Math.round(bytesPerSecond * 8)}bit`;
  const bucket = ["burst", `${TBF_BURST_BYTES}`, "latency", TBF_LATENCY];
  within(from, "tc", "qdisc", "replace", ...device, "tbf", "rate", rate, ...bucket);
}

function within({ namespace }: Host, ...command: readonly string[]): void {
  run("ip", "netns", "exec", namespace, ...command);
}

/** At most 15 characters: the kernel takes no more. */
function ourDevice(place: number): string {
  return `chaos${process.pid}u${place}`;
}

/** What was never made need not be removed. */
function tryTo(command: string, ...args: readonly string[]): void {
  try {
    run(command, ...args);
  } catch {
    return;
  }
}

function run(command: string, ...args: readonly string[]): void {
  execFileSync(command, args, { stdio: ["ignore", "ignore", "pipe"] });
}
