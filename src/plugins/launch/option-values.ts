import { Fault } from '../../plugin.ts';

/** Options as they stand in the config file. */
export type Given = Readonly<Record<string, unknown>>;

/** The text of an option; undefined where it is not given. */
export function text(given: Given, key: string, most: number): string | undefined {
  const value = given[key];
  if (value === undefined) return undefined;
  if (typeof value === 'string' && value.length <= most && !value.includes('\0')) return value;
  throw wrong(`"${key}" is ${shown(value)}; expected a text of at most ${most} characters`);
}

/** One of two words, of which the first is the usual one. */
export function oneOf<One extends string>(given: Given, key: string, [usual, other]: readonly [One, One]): One {
  const value = given[key];
  if (value === undefined || value === usual) return usual;
  if (value === other) return other;
  throw wrong(`"${key}" is ${shown(value)}; expected "${usual}" (unless given) or "${other}"`);
}

/** Never a whole value: an option may hold a secret. */
export function shown(value: unknown): string {
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : `no such value (a ${typeof value})`;
}

export function wrong(what: string): Fault {
  return new Fault('CONFIG_INVALID', what);
}
