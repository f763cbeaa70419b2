import { Fault } from '../../model/fault.ts';

/** What a text of ssh_config may refer to: `%x` by its letter, `${NAME}` by the environment (null: not allowed here). */
export interface Tokens {
  readonly letters: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string | undefined>> | null;
}

/** Replaces `%x` and `${NAME}` in one pass; what a value contains is not expanded again. `at` is the file:line of the text. */
export function expandTokens(text: string, tokens: Tokens, at: string): string {
  const { letters, env } = tokens;
  const pattern = env === null ? /%(.?)/gsu : /%(.?)|\$\{([^}]*)(\}?)/gsu;
  return text.replace(pattern, (whole, letter: string | undefined, name: string | undefined, closing: string) => {
    if (letter === '%') return '%';
    if (letter !== undefined) {
      const value = Object.hasOwn(letters, letter) ? letters[letter] : undefined;
      if (value !== undefined) return value;
      const known = Object.keys(letters).map((key) => `%${key}`);
      throw new Fault('SSH_CONFIG_INVALID', `${at}: token "${whole}" is not known here; use %% ${known.join(' ')}`);
    }
    const value = env !== null && name !== undefined && closing === '}' ? env[name] : undefined;
    if (value !== undefined) return value;
    throw new Fault('SSH_CONFIG_INVALID', `${at}: environment variable "${whole}" is not set; set it or name the path`);
  });
}

/** Replaces a leading `~` by the home folder; another user's (`~name`) is refused. */
export function expandTilde(path: string, home: string, at: string): string {
  if (path === '~' || path.startsWith('~/')) return home + path.slice(1);
  if (!path.startsWith('~')) return path;
  throw new Fault('SSH_CONFIG_INVALID', `${at}: "${path}" begins in another user's home; write the whole path`);
}
