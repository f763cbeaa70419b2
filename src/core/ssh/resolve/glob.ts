import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Files that an absolute shell pattern (`*`, `?`, `[a-z]` in any segment) names, sorted; `folders` are the ones it looked into. */
export async function expandGlob(pattern: string): Promise<{ files: readonly string[]; folders: readonly string[] }> {
  let found = ['/'];
  const folders: string[] = [];
  for (const segment of pattern.split('/').filter((part) => part !== '')) {
    if (!/[*?[]/.test(segment)) {
      found = found.map((folder) => join(folder, segment));
      continue;
    }
    folders.push(...found);
    const test = segmentPattern(segment);
    const next = await Promise.all(found.map((folder) => entriesOf(folder)));
    found = found.flatMap((folder, i) =>
      (next[i] ?? []).filter((name) => test(name)).map((name) => join(folder, name)),
    );
  }
  const there = await Promise.all(found.map(exists));
  return { files: found.filter((_, i) => there[i]).sort(), folders };
}

function segmentPattern(segment: string): (name: string) => boolean {
  const source = segment.replace(/\[[!^]?\]?[^\]]*\]|[\s\S]/g, (part) => {
    if (part === '*') return '.*';
    if (part === '?') return '.';
    if (part.length > 1)
      return `[${part[1] === '!' ? '^' : ''}${part.slice(part[1] === '!' ? 2 : 1, -1).replace(/[\\[\]]/g, '\\$&')}]`;
    return part.replace(/[\\^$.|+()[\]{}]/g, '\\$&');
  });
  const hidden = segment.startsWith('.');
  try {
    const regexp = new RegExp(`^${source}$`, 'su');
    return (name) => (hidden || !name.startsWith('.')) && regexp.test(name);
  } catch {
    // A bracket that is no range (`[z-a]`) matches nothing, as in glob(3).
    return () => false;
  }
}

async function entriesOf(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch {
    // glob(3) passes over what it may not read.
    return [];
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch {
    // Missing, or in a folder that may not be searched: no match either way.
    return false;
  }
}
