/** What a drill may need of the host beyond processes and sockets, and whether it is there. */
import { spawnSync } from "node:child_process";
import type { Need } from "./page.ts";

const PROBES: Readonly<
  Record<Need, { readonly command: readonly string[]; readonly mend: string }>
> = {
  faketime: {
    command: ["faketime", "-f", "+1s", "true"],
    mend: "libfaketime is not installed (Debian package faketime)",
  },
  openssl: { command: ["openssl", "version"], mend: "openssl is not installed" },
  tmpfs: {
    command: [
      "sh",
      "-c",
      'd=$(mktemp -d); mount -t tmpfs -o size=1m tmpfs "$d" && umount "$d"; s=$?; rmdir "$d"; exit $s',
    ],
    mend: "a small file system cannot be mounted here (needs root)",
  },
};

/** Undefined when all is there. */
export function lacking(needs: readonly Need[]): string | undefined {
  return needs
    .map((need) => PROBES[need])
    .find(({ command: [name = "", ...args] }) => {
      const { error, status } = spawnSync(name, args, { stdio: "ignore" });
      return error !== undefined || status !== 0;
    })?.mend;
}
