import { closest, distance } from 'fastest-levenshtein';
import { Fault } from '../core/model/fault.ts';
import { printable } from '../core/model/printable.ts';

/** The fault for a name that no relay has, with the name that was probably meant. */
export function unknownRelay(name: string, names: readonly string[]): Fault {
  const near = names.length === 0 ? null : closest(name, [...names]);
  const hint =
    near !== null && distance(name, near) <= Math.max(1, name.length / 2.5)
      ? `did you mean "${near}"?`
      : `there ${names.length === 1 ? 'is' : 'are'} ${names.length === 0 ? 'none' : names.join(', ')}`;
  return new Fault('RELAY_UNKNOWN', `no relay is called "${printable(name)}"; ${hint}`, { detail: { relay: name } });
}
