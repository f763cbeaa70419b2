import { join, resolve } from 'node:path';

/** The absolute form of a path that a user wrote: `~/` is the home folder, anything else begins in `folder`. */
export function absolute(path: string, folder: string, home: string): string {
  return path === '~' || path.startsWith('~/') ? join(home, path.slice(1)) : resolve(folder, path);
}
