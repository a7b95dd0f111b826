/** How a command ends, for the script that called it. Part of the interface: never renumbered. */
export const EXIT = {
  ok: 0,
  failure: 1,
  /** The command was typed, or its configuration written, in a way that cannot mean anything. */
  usage: 2,
  /** All was asked and answered, and the answer is not good: unhealthy, unreachable or diverged. */
  unhealthy: 3,
  timeout: 4,
  /** A region did not let the command in. */
  auth: 5,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
