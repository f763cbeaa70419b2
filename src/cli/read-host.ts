import { maskPassword, noPassword } from '../core/config/host-text.ts';
import { quote } from '../core/config/problem.ts';
import { Fault } from '../core/model/fault.ts';
import { type Arguments, readText } from './arguments.ts';

/** A host from the command line; null when absent. ssh would take a password in it for a part of the user's name, and show it. */
export function readHost(given: Arguments, name: string): string | null {
  const text = readText(given, name);
  const masked = text === null ? null : maskPassword(text);
  if (masked === null) return text;
  throw new Fault('HOST_INVALID', `a password stands in ${quote(masked)}; expected ${noPassword}`);
}
