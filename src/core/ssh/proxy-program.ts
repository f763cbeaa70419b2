import { join, resolve } from 'node:path';

/** A plain word to a shell. */
const plain = /^[\w./~+-]+$/;

/** The first word of a ProxyCommand, or of a Match exec, for log and events: what comes after it may be a secret. `towline explain` shows it whole. */
export function programOf(command: string): string {
  const word = firstWord(command);
  return plain.test(word) ? word : 'a shell command';
}

/**
 * Where the program of a ProxyCommand is, or would have to appear: the file that its first word names, else that name in each folder of
 * PATH. Empty where the first word is more than a plain word to a shell.
 */
export function programPlaces(
  command: string,
  env: Readonly<Record<string, string | undefined>>,
  home: string,
): readonly string[] {
  const word = firstWord(command);
  if (!plain.test(word)) return [];
  if (word.startsWith('~/')) return [join(home, word.slice(2))];
  // The command starts in the home folder.
  if (word.includes('/')) return [resolve(home, word)];
  return (env['PATH'] ?? '').split(':').flatMap((folder) => (folder.startsWith('/') ? [join(folder, word)] : []));
}

function firstWord(command: string): string {
  return command.trim().split(/\s/, 1)[0] ?? '';
}
