/**
 * The log of a running process: pino behind the house's contract, one JSON object per line.
 *
 *     {"level":"info","time":"2026-01-31T12:00:00.000Z","self":"us-east-1","event":"link-up","peer":"eu-west-1"}
 *
 * Written synchronously: the line that explains a crash is the one that must not be lost in a buffer.
 */
import { destination as pinoDestination, pino, stdSerializers } from "pino";
import type { DestinationStream } from "pino";
import type { Clock, Log, LogFields } from "@atoll/core";
import type { LogLevel } from "./config.ts";

export interface PinoLogOptions {
  readonly level: LogLevel;
  /** Which region speaks. */
  readonly self: string;
  readonly clock: Clock;
  /** Standard output unless a test listens. */
  readonly destination?: DestinationStream;
}

export function createPinoLog({ level, self, clock, destination }: PinoLogOptions): Log {
  const logger = pino(
    {
      level,
      base: { self },
      messageKey: "event",
      formatters: { level: (label) => ({ level: label }) },
      timestamp: () => `,"time":"${new Date(clock.nowMs()).toISOString()}"`,
      serializers: { error: serializeError },
    },
    destination ?? pinoDestination({ dest: 1, sync: true }),
  );
  return {
    debug: (event, fields) => logger.debug(safe(fields), event),
    info: (event, fields) => logger.info(safe(fields), event),
    warn: (event, fields) => logger.warn(safe(fields), event),
    error: (event, fields) => logger.error(safe(fields), event),
  };
}

/** JSON has no big integers, and a field that cannot be written must not cost the line. */
function safe(fields: LogFields = {}): LogFields {
  if (!Object.values(fields).some((value) => typeof value === "bigint")) return fields;
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [
      key,
      typeof value === "bigint" ? value.toString() : value,
    ]),
  );
}

function serializeError(error: unknown): unknown {
  return error instanceof Error ? stdSerializers.err(error) : error;
}
