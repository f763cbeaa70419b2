import { lstatSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { cosmiconfigSync } from 'cosmiconfig';
import { Fault } from '../model/fault.ts';
import { readSafely } from './file.ts';
import { errorCode } from '../model/error-code.ts';

/** File names in the current folder, the first one wins. */
export const localPlaces: readonly string[] = [
  'towline.json',
  'towline.yaml',
  'towline.yml',
  '.towlinerc.json',
  '.towlinerc.yaml',
  '.config/towline.json',
  '.config/towline.yaml',
];

/** File names in the towline folder under the XDG config folder. */
export const userPlaces: readonly string[] = ['config.json', 'config.yaml', 'config.yml'];

/**
 * The first of the places in a folder that holds a file; null when none does. Found by cosmiconfig, inside a fence:
 * it would pass over a file that it may not read, wait for a fifo, and skip an empty file, so the first thing that exists is
 * read safely before cosmiconfig looks.
 */
export function search(folder: string, places: readonly string[], home: string): string | null {
  const [first] = present(folder, places);
  if (first === undefined) return null;
  readSafely(first, home);
  const found = explorer(places).search(folder)?.filepath ?? null;
  if (found !== first) {
    throw new Fault('CONFIG_UNREADABLE', `${first} changed while it was read; try again`, { detail: { path: first } });
  }
  return found;
}

/** Those of the places in a folder that hold anything, in their order. */
export function present(folder: string, places: readonly string[]): readonly string[] {
  return places.map((place) => join(folder, place)).filter(exists);
}

/** Anything but a plain "not there" counts as there, so that what cannot be examined is reported and not passed over. */
function exists(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch (error) {
    const code = errorCode(error);
    return code !== 'ENOENT' && code !== 'ENOTDIR';
  }
}

/**
 * Constructing cosmiconfig executes `.config/config.js` in the current folder, and lets `.config/config.*` and package.json
 * there add search places. So it is built in this module's own folder, where nobody else puts files. Its loaders parse
 * nothing: positions, `$import` and code are no business of the search.
 */
function explorer(places: readonly string[]): ReturnType<typeof cosmiconfigSync> {
  const before = process.cwd();
  process.chdir(fileURLToPath(new URL('.', import.meta.url)));
  try {
    const found = (): object => ({});
    return cosmiconfigSync('towline', {
      searchPlaces: [...places],
      loaders: { '.json': found, '.yaml': found, '.yml': found },
      searchStrategy: 'none',
      ignoreEmptySearchPlaces: false,
      cache: false,
    });
  } finally {
    process.chdir(before);
  }
}
