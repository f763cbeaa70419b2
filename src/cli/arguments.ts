import { Fault } from '../core/model/fault.ts';
import { printable } from '../core/model/printable.ts';

/** What yargs parsed. It hands out arrays for repeated options and '' for empty ones: read it with the functions below. */
export type Arguments = Readonly<Record<string, unknown>>;

/** A switch; false when absent. */
export function readFlag(given: Arguments, name: string): boolean {
  return given[name] === true;
}

/** A text; null when absent. */
export function readText(given: Arguments, name: string): string | null {
  const value = given[name];
  if (value === undefined) return null;
  const shown = name.length === 1 ? `-${name}` : `--${name}`;
  if (Array.isArray(value)) throw new Fault('USAGE', `${shown} was given ${value.length} times; give it once`);
  if (typeof value === 'string' && value !== '') return value;
  throw new Fault('USAGE', `${shown} needs a value; see \`towline --help\``);
}

/** A whole number from `least` up; `otherwise` when absent. */
export function readCount<Otherwise>(
  given: Arguments,
  name: string,
  least: number,
  otherwise: Otherwise,
): number | Otherwise {
  const text = readText(given, name);
  if (text === null) return otherwise;
  const value = Number(text);
  if (/^\d{1,15}$/.test(text) && value >= least) return value;
  throw new Fault('USAGE', `--${name} ${printable(text)} is no number; expected a whole number from ${least} up`);
}
