import { isAbsolute, join } from 'node:path';
import { configFault } from './config-fault.ts';
import { connectionLetters } from './connection-letters.ts';
import type { Resolution } from './resolution.ts';
import type { Setting } from './settings.ts';
import { expandTilde, expandTokens, type Tokens } from './tokens.ts';

/** The paths that one host's settings name: `~` and tokens are expanded, a relative one is looked for in the home folder, with a warning. */
export class ConfigPaths {
  readonly warnings: string[] = [];
  readonly #home: string;
  readonly #tokens: Tokens;

  constructor(resolution: Resolution) {
    this.#home = resolution.options.home;
    this.#tokens = { letters: connectionLetters(resolution), env: resolution.options.env };
  }

  /** `at`: the setting, as warnings and faults name it. Throws SSH_CONFIG_INVALID. */
  one(text: string, at: string): string {
    const path = expandTokens(expandTilde(text, this.#home, at), this.#tokens, at);
    if (/\p{Cc}/u.test(path))
      throw configFault(`${at}: path ${JSON.stringify(path)} has a control character; correct it`);
    if (isAbsolute(path)) return path;
    // ssh takes the current folder; a daemon has none that means anything to its user.
    this.warnings.push(`${at}: "${path}" is not absolute and is looked for in ${this.#home}`);
    return join(this.#home, path);
  }

  /** Those of a setting, or the default ones; none where it says `none`. */
  list(setting: Setting | undefined, otherwise: readonly string[]): readonly string[] {
    const values = setting?.values ?? otherwise;
    if (values.length === 1 && values[0]?.toLowerCase() === 'none') return [];
    return values.map((text) => this.one(text, setting?.at ?? 'default'));
  }
}
