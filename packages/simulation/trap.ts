/**
 * While a simulation steps, the machine's clock, timers and chance throw.
 *
 * The architecture test bans them from our sources. This catches what a library does behind our back, on
 * the path that was actually taken: the one thing a replay from a seed cannot forgive.
 */
import { createRequire, syncBuiltinESMExports } from "node:module";
import { InvariantError } from "@atoll/core";

type Members = Record<string, unknown>;

const requireBuiltin = createRequire(import.meta.url);

const GLOBALS = ["setTimeout", "setInterval", "setImmediate", "queueMicrotask"] as const;
const CHANCE = ["randomBytes", "randomUUID", "randomInt", "randomFillSync", "randomFill"] as const;

/** Sets the traps; returns what takes them away again. Nothing may yield to the event loop meanwhile. */
export function trapNondeterminism(): () => void {
  const undo: (() => void)[] = [];
  const replace = (target: object, name: string, value: unknown): void => {
    const members = target as Members;
    const before = members[name];
    members[name] = value;
    undo.push(() => {
      members[name] = before;
    });
  };
  const trapped = (name: string) => (): never => {
    throw new InvariantError(`${name} was called inside a simulation`);
  };
  for (const name of GLOBALS) replace(globalThis, name, trapped(name));
  replace(process, "nextTick", trapped("process.nextTick"));
  replace(Math, "random", trapped("Math's random"));
  replace(performance, "now", trapped("the performance clock"));
  replace(globalThis, "Date", guardedDate(trapped("the wall clock")));
  const crypto = requireBuiltin("node:crypto") as Members;
  for (const name of CHANCE) replace(crypto, name, trapped(`crypto's ${name}`));
  syncBuiltinESMExports();
  return () => {
    for (const restore of undo.reverse()) restore();
    syncBuiltinESMExports();
  };
}

/** Dates of a given moment are fine; the present moment is not. */
function guardedDate(trapped: () => never): typeof Date {
  return new Proxy(Date, {
    construct(target, values: unknown[], newTarget) {
      if (values.length === 0) trapped();
      return Reflect.construct(target, values, newTarget) as object;
    },
    apply: trapped,
    get(target, name, receiver): unknown {
      return name === "now" ? trapped : Reflect.get(target, name, receiver);
    },
  });
}
