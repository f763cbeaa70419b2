import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { Fault } from '../src/core/model/fault.ts';

const execute = promisify(execFile);

/** Runs a program to its end and returns what it printed; a failure is told with its last words. */
export async function output(command: string, args: readonly string[], signal?: AbortSignal): Promise<string> {
  try {
    const { stdout, stderr } = await execute(command, [...args], { maxBuffer: 1 << 24, ...(signal ? { signal } : {}) });
    return stdout + stderr;
  } catch (error) {
    throw new Fault('INTERNAL', `${command} ${args.join(' ')} failed: ${error}; run it by hand to see why`, {
      cause: error,
    });
  }
}

/** Runs the load generator in a process of its own and reads the numbers it prints. */
export async function load(
  kind: 'rate' | 'storm' | 'up' | 'down',
  numbers: readonly number[],
  signal: AbortSignal,
): Promise<(name: string) => number> {
  const script = join(import.meta.dirname, 'client-process.js');
  const parsed: unknown = JSON.parse(await output(process.execPath, [script, kind, ...numbers.map(String)], signal));
  const found = new Map(typeof parsed === 'object' && parsed !== null ? Object.entries(parsed) : []);
  return (name) => {
    const value: unknown = found.get(name);
    return typeof value === 'number' ? value : Number.NaN;
  };
}
