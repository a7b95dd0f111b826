/**
 * Who listens on a port of this machine, as well as can be told.
 *
 * "Address in use" sends an operator to a search engine; a process id and a command line send them to
 * the mend. Linux tells it under /proc to whoever may look; elsewhere the answer is undefined.
 */
import { readFileSync, readdirSync, readlinkSync } from "node:fs";

export interface PortOwner {
  readonly pid: number;
  readonly command: string;
}

const LISTENING = "0A";

export function findPortOwner(port: number): PortOwner | undefined {
  const inodes = new Set(
    ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((file) => listeningInodes(file, port)),
  );
  if (inodes.size === 0) return undefined;
  for (const pid of entries("/proc").filter((name) => /^\d+$/.test(name))) {
    const holds = entries(`/proc/${pid}/fd`).some((descriptor) =>
      inodes.has(link(`/proc/${pid}/fd/${descriptor}`)),
    );
    if (!holds) continue;
    const words = text(`/proc/${pid}/cmdline`).split("\0").filter(Boolean);
    return { pid: Number(pid), command: words.join(" ").slice(0, 120) };
  }
  return undefined;
}

/** For the end of a sentence; empty when nothing is known. */
export function portOwnerText(port: number): string {
  const owner = findPortOwner(port);
  return owner === undefined ? "" : ` by process ${owner.pid} (${owner.command})`;
}

/** Columns: slot, local address, remote address, state, …, inode. */
function listeningInodes(file: string, port: number): string[] {
  const hexPort = port.toString(16).toUpperCase().padStart(4, "0");
  return text(file)
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter((column) => column[1]?.endsWith(`:${hexPort}`) === true && column[3] === LISTENING)
    .map((column) => `socket:[${column[9] ?? ""}]`);
}

// Processes come and go while we look, and not all may be looked at: what cannot be read is empty.

function text(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function entries(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
