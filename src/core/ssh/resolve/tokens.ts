import { readFileSync } from 'node:fs';
import { configFault } from './config-fault.ts';

/** What a text of ssh_config may refer to: `%x` by its letter, `${NAME}` by the environment; null where that is not expanded. */
export interface Tokens {
  readonly letters: Readonly<Record<string, string>> | null;
  readonly env: Readonly<Record<string, string | undefined>> | null;
}

/**
 * Replaces `%x` and `${NAME}` in one pass; what a value contains is not expanded again. `at` is the file:line of the text. Throws
 * SSH_CONFIG_INVALID for a token that is not known there and for a variable that is not set.
 */
export function expandTokens(text: string, { letters, env }: Tokens, at: string): string {
  return text.replace(/%(.?)|\$\{([^}]*)(\}?)/gsu, (whole, letter: string | undefined, name = '', closing = '') => {
    if (letter !== undefined) {
      if (letters === null) return whole;
      if (letter === '%') return '%';
      const value = Object.hasOwn(letters, letter) ? letters[letter] : undefined;
      if (value !== undefined) return value;
      const known = Object.keys(letters).map((key) => `%${key}`);
      throw configFault(`${at}: token "${whole}" is not known here; use %% ${known.join(' ')}`);
    }
    if (env === null) return whole;
    const value = name !== '' && closing === '}' ? env[name] : undefined;
    if (value !== undefined) return value;
    throw configFault(`${at}: environment variable "${whole}" is not set; set it or name the path`);
  });
}

/** Replaces a leading `~` by the home folder, `~name` by another user's of passwd(5). Throws SSH_CONFIG_INVALID. */
export function expandTilde(path: string, home: string, at: string): string {
  const match = /^~([^/]*)\/*(.*)$/s.exec(path);
  if (match === null) return path;
  const [, user = '', rest = ''] = match;
  const folder = user === '' ? home : homeOf(user);
  if (folder === null) throw configFault(`${at}: there is no user "${user}" for "${path}"; write the whole path`);
  return folder.endsWith('/') ? folder + rest : `${folder}/${rest}`;
}

function homeOf(user: string): string | null {
  try {
    const rows = readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .map((line) => line.split(':'));
    return rows.find((row) => row[0] === user)?.[5] ?? null;
  } catch {
    // Without passwd(5) nobody else is known.
    return null;
  }
}
