import { existsSync } from 'node:fs';
import { Fault } from '../model/fault.ts';

/** The folder of towline's own package.json, some folders above: how many depends on where the bundle put this module. */
export const ownPackage: URL = findPackage();

/**
 * A file of the bundle (scripts/bundle.mjs), by its name among the sources without the ending. A forked program starts from there in half
 * the time and with 10 MB less than from the 200 files of which it is made, whoever forks it.
 */
export function bundled(name: string): URL {
  return new URL(`dist/bundle/${name}.js`, ownPackage);
}

function findPackage(): URL {
  for (let folder = new URL('./', import.meta.url); ; folder = new URL('../', folder)) {
    if (existsSync(new URL('package.json', folder))) return folder;
    if (folder.pathname === '/')
      throw new Fault('INTERNAL', 'towline cannot find its own package.json; install it anew');
  }
}
