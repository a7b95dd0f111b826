/**
 * Processes that work side by side through a list of tasks, because none of them needs another.
 *
 *     tasks ──┬──▶ member ──┬──▶ answers, in the order of the tasks
 *             └──▶ member ──┘
 *
 * Answers come in the order of the tasks, whichever is done first, so what is made of them does not depend on how many
 * processes there are, nor on how fast each is. A member that dies takes one task along: its answer says so, and
 * another process takes the member's place.
 */
import type { ChildProcess } from "node:child_process";
import { fork } from "node:child_process";

export type Answer<Result> =
  | { readonly kind: "done"; readonly result: Result }
  /** The process ended before it was done, and how. */
  | { readonly kind: "lost"; readonly how: string };

export interface CrewOptions<Task, Result> {
  /** How many; a crew of one is this process itself. */
  readonly size: number;
  /** Path of what every other process runs: it serves what `perform` does here. */
  readonly member: string;
  readonly perform: (task: Task) => Promise<Result>;
}

/** Tasks and results are plain data. Whoever stops listening ends the processes. */
export async function* sideBySide<Task, Result>(
  tasks: readonly Task[],
  { size, member, perform }: CrewOptions<Task, Result>,
): AsyncGenerator<Answer<Result>> {
  if (size > 1) yield* hired<Task, Result>(tasks, size, member);
  else for (const task of tasks) yield { kind: "done", result: await perform(task) };
}

async function* hired<Task, Result>(
  tasks: readonly Task[],
  size: number,
  program: string,
): AsyncGenerator<Answer<Result>> {
  const answers = tasks.map(() => Promise.withResolvers<Answer<Result>>());
  const members = new Set<ChildProcess>();
  let next = 0;
  let isOver = false;
  const work = async (): Promise<void> => {
    let member: ChildProcess | undefined;
    while (!isOver && next < tasks.length) {
      const at = next++;
      if (member === undefined) members.add((member = hire(program)));
      const answer = await ask<Task, Result>(member, tasks[at] as Task);
      if (answer.kind === "lost") {
        members.delete(member);
        member = undefined;
      }
      answers[at]?.resolve(answer);
    }
  };
  for (let i = 0; i < size; i++) void work();
  try {
    for (const { promise } of answers) yield await promise;
  } finally {
    isOver = true;
    for (const left of members) left.kill();
  }
}

/** What a member does for its whole life: one task after the other, until nobody asks any more. */
export function serve<Task, Result>(perform: (task: Task) => Promise<Result>): void {
  process.on("message", (task: Task) => {
    void perform(task).then((result) => process.send?.(result)); // what it throws ends the process
  });
  process.on("disconnect", () => process.exit());
}

function hire(program: string): ChildProcess {
  return fork(program, { execArgv: [], stdio: ["ignore", "inherit", "inherit", "ipc"] });
}

function ask<Task, Result>(member: ChildProcess, task: Task): Promise<Answer<Result>> {
  return new Promise((resolve) => {
    const settle = (answer: Answer<Result>): void => {
      member.removeAllListeners();
      resolve(answer);
    };
    const lose = (how: string): void => settle({ kind: "lost", how });
    member.on("message", (result) => settle({ kind: "done", result: result as Result }));
    member.on("exit", (code, signal) => lose(signal ?? `exit code ${code}`));
    member.on("error", (error) => lose(error.message));
    member.send(task as object, (error) => error && lose(error.message));
  });
}
