import { configFault } from './config-fault.ts';
import type { Item } from './compile.ts';
import { matchPattern } from './pattern.ts';

/** A value with the place where it was set. */
export interface Setting {
  readonly values: readonly string[];
  /** `file:line`; empty for what was named beside the host. */
  readonly at: string;
  /** Nobody but its user and root can have written the file: a command in it may be run. */
  readonly trusted: boolean;
}

/** All that an ssh_config says of one host, by keyword in lower case, not yet expanded and without defaults. */
export interface Settings {
  /** The value that stands; of keywords that accumulate the first. */
  first(keyword: string): Setting | undefined;
  /** Every value that stands, in order. */
  all(keyword: string): readonly Setting[];
}

const mostFiles = 100;

/** Settings while they are gathered: knows how the values of several lines go together. */
export class GatheredSettings implements Settings {
  readonly #values = new Map<string, readonly Setting[]>();
  readonly #fromUser = new Map<Setting, boolean>();

  first(keyword: string): Setting | undefined {
    return this.#values.get(keyword)?.[0];
  }

  all(keyword: string): readonly Setting[] {
    return this.#values.get(keyword) ?? [];
  }

  /** Sets a keyword, whatever it was before. */
  put(keyword: string, setting: Setting): void {
    this.#values.set(keyword, [setting]);
  }

  /** Sets a keyword that is not set. */
  fill(keyword: string, setting: Setting): void {
    if (!this.#values.has(keyword)) this.put(keyword, setting);
  }

  /** Takes in a line that counts. */
  set({ keep, at, user, trusted, parts }: Extract<Item, { do: 'set' }>): void {
    for (const { keyword, values } of parts) {
      const setting: Setting = { values, at, trusted };
      switch (keep) {
        case 'first':
        case 'first anywhere':
          this.fill(keyword, setting);
          break;
        case 'last anywhere':
          this.put(keyword, setting);
          break;
        case 'all':
          this.#add(keyword, setting, user);
          break;
        case 'send-env':
          this.#sendEnv(keyword, setting);
          break;
        case 'jump':
          this.#jump(setting);
      }
    }
  }

  #add(keyword: string, setting: Setting, user: boolean): void {
    const before = this.all(keyword);
    const isFile = keyword === 'identityfile' || keyword === 'certificatefile';
    if (isFile && before.length >= mostFiles) {
      throw configFault(`${setting.at}: more than ${mostFiles} files for "${keyword}"; remove some`);
    }
    // The same file from the user's and from the system's config counts twice, as in ssh.
    const kin = (other: Setting) => !isFile || this.#fromUser.get(other) === user;
    const text = setting.values.join('\0');
    if (before.some((other) => kin(other) && other.values.join('\0') === text)) return;
    this.#fromUser.set(setting, user);
    this.#values.set(keyword, [...before, setting]);
  }

  /** A name with a minus takes away what it matches. */
  #sendEnv(keyword: string, setting: Setting): void {
    const [name = ''] = setting.values;
    const before = this.all(keyword);
    const left = before.filter((other) => !matchPattern(other.values[0] ?? '', name.slice(1)));
    this.#values.set(keyword, name.startsWith('-') ? left : [...before, setting]);
  }

  /** ProxyJump and ProxyCommand exclude each other: the first one stands, save that `ProxyJump none` leaves room for a command. */
  #jump(setting: Setting): void {
    if (this.#values.has('proxyjump')) return;
    const none = setting.values[0]?.toLowerCase() === 'none';
    if (!none && this.#values.has('proxycommand')) return;
    this.put('proxyjump', setting);
    if (!none) this.put('proxycommand', { ...setting, values: ['none'] });
  }
}
