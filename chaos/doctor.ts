/**
 * What this host allows. Every need is tried and not guessed: a kernel may have a tool and not its module, a
 * container root and not the right.
 */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { FAKETIME_LIBRARY } from "./host/faketime.ts";
import { netnsFault, netemFault } from "./network/netns-probe.ts";
import type { Backend } from "./network/links.ts";
import { NEEDS } from "./needs.ts";
import type { Need } from "./needs.ts";
import type { Scenario } from "./scenario.ts";

/** Undefined: it is there. Otherwise why it is not. */
export type Probe = string | undefined;

const ONLY_PROXY = "only the backend proxy knows connections and frames";
const ONLY_NETNS = "only the backend netns has packets to lose";

export class Doctor {
  readonly #backend: Backend;
  readonly #found = new Map<string, Probe>();

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** Why a scenario cannot be run here; undefined when it can. */
  refuses(scenario: Scenario): string | undefined {
    const { impossible, backends, needs = [] } = scenario;
    if (impossible !== undefined) return impossible;
    if (backends !== undefined && !backends.includes(this.#backend)) {
      return `needs the backend ${backends.join(" or ")}`;
    }
    const fault = this.backendFault();
    if (fault !== undefined) return fault;
    const missing = needs.flatMap((need) => {
      const why = this.probe(need);
      return why === undefined ? [] : [`${NEEDS[need]}: ${why}`];
    });
    return missing.length === 0 ? undefined : missing.join("; ");
  }

  backendFault(): Probe {
    return this.#backend === "netns" ? this.#once("netns", netnsFault) : undefined;
  }

  probe(need: Need): Probe {
    const isProxy = this.#backend === "proxy";
    switch (need) {
      case "frames":
      case "resets":
      case "slices":
        return isProxy ? undefined : ONLY_PROXY;
      case "delay":
        return isProxy ? undefined : this.#once(need, netemFault);
      case "bandwidth":
        return undefined;
      case "loss":
        return isProxy ? ONLY_NETNS : undefined;
      case "mount":
        return this.#once(need, mountFault);
      case "faketime":
        return this.#once(need, faketimeFault);
    }
  }

  #once(name: string, look: () => Probe): Probe {
    if (!this.#found.has(name)) this.#found.set(name, look());
    return this.#found.get(name);
  }
}

/** Runs a command for its exit code; the first line of what it complained about otherwise. */
export function tried(command: string, ...args: readonly string[]): Probe {
  try {
    execFileSync(command, args, { stdio: ["ignore", "pipe", "pipe"], encoding: "utf8" });
    return undefined;
  } catch (error) {
    const { stderr, message } = error as Error & { readonly stderr?: string };
    return (stderr ?? "").trim().split("\n")[0] || message;
  }
}

function mountFault(): Probe {
  return tried("unshare", "--mount", "sh", "-c", "mount -t tmpfs -o size=1m chaos /mnt");
}

function faketimeFault(): Probe {
  if (!existsSync(FAKETIME_LIBRARY)) return `${FAKETIME_LIBRARY} is not there`;
  const year = `process.exit(Date().includes(" 2000 ") ? 0 : 1)`;
  const faked = ["FAKETIME=2000-06-01 00:00:00", `LD_PRELOAD=${FAKETIME_LIBRARY}`];
  return tried("env", ...faked, process.execPath, "-e", year);
}
