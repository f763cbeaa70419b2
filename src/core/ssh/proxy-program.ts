import { join, resolve } from 'node:path';

/**
 * Where the program of a ProxyCommand is, or would have to appear: the file that its first word names, else that name in each folder of
 * PATH. Empty where the first word is more than a plain word to a shell.
 */
export function programPlaces(
  command: string,
  env: Readonly<Record<string, string | undefined>>,
  home: string,
): readonly string[] {
  const [word = ''] = command.trim().split(/\s/, 1);
  if (!/^[\w./~+-]+$/.test(word)) return [];
  if (word.startsWith('~/')) return [join(home, word.slice(2))];
  // The command starts in the home folder.
  if (word.includes('/')) return [resolve(home, word)];
  return (env['PATH'] ?? '').split(':').flatMap((folder) => (folder.startsWith('/') ? [join(folder, word)] : []));
}
