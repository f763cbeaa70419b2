import { pino } from 'pino';
import type { Event } from '../core/model/event.ts';
import type { Fault } from '../core/model/fault.ts';
import { type BoundedFile, openBoundedFile } from './bounded-file.ts';
import { createNarrator } from './narrator.ts';

/** The daemon's log: pino's JSON lines, made from events and from nothing else but the fault that ends it. */
export interface Log {
  /** Writes an event, if it is news. */
  tell(event: Event): void;
  /** The last line of a daemon that ends by a bug; the stack is for the log only. */
  die(fault: Fault): void;
  close(): void;
}

/** What a log is given. */
export interface LogOptions {
  readonly path: string;
  /** bytes; 5 MiB unless given. */
  readonly limit?: number;
  /** Writes debug lines too. */
  readonly verbose?: boolean;
  /** Called once when lines begin to be lost. */
  readonly trouble?: (error: unknown) => void;
}

/** Opens the log at `path`, born 0600. A full disk, a missing folder: lines are lost and counted, nothing throws. */
export function openLog({ path, limit = 5 * 1024 * 1024, verbose = false, trouble = ignore }: LogOptions): Log {
  const file = openBoundedFile({
    path,
    limit,
    trouble,
    lost: (count) => `${JSON.stringify({ level: 40, time: Date.now(), msg: `${count} log lines were lost` })}\n`,
  });
  const write = createLineWriter(file, verbose);
  return { ...write, close: () => file.close() };
}

/** Writes events as pino's JSON lines to anything that takes text: the log file, or stdout of `up --json`. */
export function createLineWriter(
  to: Pick<BoundedFile, 'write'>,
  verbose: boolean,
): { tell(event: Event): void; die(fault: Fault): void } {
  const narrate = createNarrator();
  const logger = pino({ level: verbose ? 'debug' : 'info', base: null, timestamp: false }, to);
  return {
    tell: (event) => {
      const description = narrate(event);
      if (description === null) return;
      const { level, text } = description;
      const relay = 'relay' in event ? { relay: event.relay } : {};
      const code = faultCode(event);
      logger[level]({ time: event.at, event: event.type, id: event.id, ...relay, ...code }, text);
    },
    die: (fault) => {
      const stack = fault.cause instanceof Error ? fault.cause.stack : fault.stack;
      logger.fatal({ time: Date.now(), code: fault.code, stack }, fault.message);
    },
  };
}

function faultCode(event: Event): { readonly code?: string } {
  if ('fault' in event && event.fault !== null) return { code: event.fault.code };
  if ('state' in event && 'fault' in event.state) return { code: event.state.fault.code };
  return {};
}

function ignore(): void {
  // The caller that does not care about lost lines.
}
