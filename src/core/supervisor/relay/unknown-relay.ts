import { Fault } from '../../model/fault.ts';
import { nearest } from '../../model/nearest.ts';
import { printable } from '../../model/printable.ts';

/** The fault for a name that no relay has, with the name that was probably meant; `file`: the config whose relays those are, null for the running ones. */
export function unknownRelay(name: string, names: readonly string[], file: string | null = null): Fault {
  const near = nearest(name, names);
  const all = `there ${names.length === 1 ? 'is' : 'are'} ${names.length === 0 ? 'none' : names.join(', ')}`;
  const hint = near === null ? all : `did you mean "${near}"?`;
  const detail = { relay: name, ...(file === null ? {} : { file }) };
  return new Fault('RELAY_UNKNOWN', `no relay is called "${printable(name)}"; ${hint}`, { detail });
}
