/**
 * What a process tells its operator: one event, one line, machine-readable.
 *
 * An event has a stable kebab-case name, so that a runbook can name it and a search can find it;
 * everything that varies is a field. Each failure is logged once, where it is finally handled.
 * Profile contents never go into a log.
 */
export type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}

const nothing = (): void => undefined;

export const silentLog: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** Keeps what was logged, for tests that assert on it. */
export class MemoryLog implements Log {
  readonly lines: { level: string; event: string; fields: LogFields }[] = [];

  debug(event: string, fields: LogFields = {}): void {
    this.lines.push({ level: "debug", event, fields });
  }
  info(event: string, fields: LogFields = {}): void {
    this.lines.push({ level: "info", event, fields });
  }
  warn(event: string, fields: LogFields = {}): void {
    this.lines.push({ level: "warn", event, fields });
  }
  error(event: string, fields: LogFields = {}): void {
    this.lines.push({ level: "error", event, fields });
  }
}
