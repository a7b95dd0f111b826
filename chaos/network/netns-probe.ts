/** Whether this host can give each region a network of its own, tried in a namespace that is removed again. */
import { execFileSync } from "node:child_process";

const PROBE = "chaos-probe";

/** Undefined: namespaces, veth, nftables and tbf are all there. */
export function netnsFault(): string | undefined {
  return inProbe([
    ["ip", "link", "add", "chaos-p0", "type", "veth", "peer", "name", "chaos-p1"],
    ["ip", "link", "set", "chaos-p0", "up"],
    ["nft", "add", "table", "inet", "chaos"],
    ["nft", "add", "chain", "inet", "chaos", "in", "{ type filter hook input priority 0 ; }"],
    [
      "nft",
      "add",
      "rule",
      "inet",
      "chaos",
      "in",
      "numgen",
      "random",
      "mod",
      "100",
      "<",
      "1",
      "drop",
    ],
    "tc qdisc add dev chaos-p0 root tbf rate 8kbit burst 4kb latency 1s".split(" "),
  ]);
}

export function netemFault(): string | undefined {
  return inProbe([
    ["ip", "link", "add", "chaos-p0", "type", "veth", "peer", "name", "chaos-p1"],
    "tc qdisc add dev chaos-p0 root netem delay 1ms".split(" "),
  ]);
}

function inProbe(commands: readonly (readonly string[])[]): string | undefined {
  try {
    run(["ip", "netns", "add", PROBE]);
    try {
      for (const command of commands) run(["ip", "netns", "exec", PROBE, ...command]);
      return undefined;
    } finally {
      run(["ip", "netns", "del", PROBE]);
    }
  } catch (error) {
    return (error as Error).message.split("\n").slice(0, 2).join(" ");
  }
}

function run([command = "", ...args]: readonly string[]): void {
  execFileSync(command, args, { stdio: ["ignore", "pipe", "pipe"] });
}
