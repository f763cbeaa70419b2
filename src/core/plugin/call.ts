import { Fault } from '../model/fault.ts';
import { faults } from '../model/fault-table.ts';
import { printable } from '../model/printable.ts';

/** The hook gave no answer in time. */
export class Late extends Error {}

/** What happens when a deadline passes. */
export interface Lateness {
  /** Called then. */
  readonly late?: () => void;
  /** How much longer an answer is waited for, ms. */
  readonly grace?: number;
}

/** A timer that is so late tells of a process that stood still, or slept: that is not the hook's fault. ms */
const stood = 1_000;

/**
 * Calls a hook, or a factory. Rejects with what it threw, and with Late once the deadline (ms) has passed; where the process stood still meanwhile
 * it has that time once more.
 */
export async function inTime<T>(
  deadline: number,
  run: () => T | Promise<T>,
  { late, grace = 0 }: Lateness = {},
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_, reject) => {
    const pass = () => {
      late?.();
      timer = setTimeout(() => reject(new Late()), grace);
    };
    const due = performance.now() + deadline;
    timer = setTimeout(() => {
      if (performance.now() - due < stood) pass();
      else timer = setTimeout(pass, deadline);
    }, deadline);
  });
  try {
    return await Promise.race([(async () => run())(), over]);
  } finally {
    clearTimeout(timer);
  }
}

/** What went wrong in a hook, said of its plugin. */
export function failure(plugin: string, hook: string, deadline: number, error: unknown): Fault {
  const name = printable(plugin);
  if (error instanceof Late) {
    const text = `plugin ${name} gave no answer to ${hook} within ${deadline / 1000} s; mend it, then restart the relay`;
    return new Fault('PLUGIN_FAILED', text);
  }
  const text = printable(error instanceof Error ? error.message : String(error));
  return new Fault('PLUGIN_FAILED', `plugin ${name} failed in ${hook}: ${text}; mend it, then restart the relay`, {
    cause: error,
  });
}

/** A fault that a plugin threw on purpose, made safe to show; null for anything else. A plugin may have its own copy of the class. */
export function spoken(error: unknown): Fault | null {
  if (!(error instanceof Error) || error.name !== 'Fault' || !('code' in error)) return null;
  const { code } = error;
  if (typeof code !== 'string' || !isCode(code) || code === 'INTERNAL') return null;
  const given: unknown = 'detail' in error ? error.detail : null;
  return new Fault(code, printable(error.message), { cause: error, detail: plainDetail(given) });
}

/** Whether there is such a fault. */
export function isCode(code: string): code is keyof typeof faults {
  return Object.hasOwn(faults, code);
}

/** No fault needs more facts than this. */
const mostFacts = 16;

/** What of a fault's detail may be kept, whoever made it. */
export function plainDetail(given: unknown): Readonly<Record<string, string | number>> {
  if (typeof given !== 'object' || given === null) return {};
  const facts = Object.entries(given).slice(0, mostFacts);
  return Object.fromEntries(
    facts.flatMap(([key, value]): readonly (readonly [string, string | number])[] => {
      if (key === '__proto__' || (typeof value !== 'string' && typeof value !== 'number')) return [];
      return [[printable(key), typeof value === 'string' ? printable(value) : value]];
    }),
  );
}
