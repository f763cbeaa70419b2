import type { KeyObject } from 'node:crypto';
import { Fault } from '../../model/fault.ts';
import { printable } from '../../model/printable.ts';
import type { Ask } from '../../model/question.ts';
import { shellWord } from '../../model/shell-word.ts';
import { decryptKey } from '../identity/decrypt.ts';
import type { Signer } from '../identity/identity.ts';

type Locked = Extract<Signer, { kind: 'locked' }>;

/** Whom to ask for passphrases, for one login. */
export interface PassphraseOptions {
  readonly ask: Ask;
  /** The host, as questions name it. */
  readonly where: string;
  /** How often a file's passphrase is asked for. */
  readonly tries: number;
  /** Waits while the file at this (escaped) path is decrypted. */
  readonly decrypting: <T>(path: string, work: Promise<T>) => Promise<T>;
}

/** Opens encrypted key files, each once in a login, however many identities need it; it asks again after a wrong passphrase. */
export class Passphrases {
  readonly #options: PassphraseOptions;
  readonly #opened = new Map<string, Promise<KeyObject | Fault>>();

  constructor(options: PassphraseOptions) {
    this.#options = options;
  }

  /**
   * The private key of a file; a fault where it stays closed: NEEDS_ANSWER or IDENTITY_UNREADABLE. `about` is what the answer belongs
   * to. Rejects as `ask` does: where nobody answers the login ends.
   */
  open(file: Locked, about: string, signal: AbortSignal): Promise<KeyObject | Fault> {
    const before = this.#opened.get(file.path);
    if (before !== undefined) return before;
    const opening = this.#ask(file, about, signal);
    this.#opened.set(file.path, opening);
    return opening;
  }

  async #ask({ path, text }: Locked, about: string, signal: AbortSignal): Promise<KeyObject | Fault> {
    const { ask, where, tries, decrypting } = this.#options;
    const name = printable(path);
    const wish = `the passphrase for key ${name}`;
    const prompt = { text: `Enter passphrase for key '${name}': `, echo: false };
    // With these facts an answer that comes later finds who waits for it.
    const detail = { kind: 'passphrase', where, about, text: wish, prompts: `"${prompt.text.trim()}"` };
    const closed = (why: string) =>
      new Fault('NEEDS_ANSWER', `${why}; give it, or add the key to ssh-agent: \`ssh-add ${shellWord(name)}\``, {
        detail,
      });
    for (let wrong = 0; wrong < tries; wrong++) {
      const question = { kind: 'passphrase', about, where, text: wish, prompts: [prompt], again: wrong > 0 } as const;
      const [passphrase = ''] = await ask(question, signal);
      // As to ssh: nothing means that this key is to be left out.
      if (passphrase === '') return closed(`${wish} was not given`);
      const decrypted = await decrypting(name, decryptKey(text, passphrase, signal));
      if (decrypted.kind === 'key') return decrypted.key;
      if (decrypted.kind === 'wrong') continue;
      return new Fault('IDENTITY_UNREADABLE', `IdentityFile ${name} ${decrypted.why}`);
    }
    return closed(
      tries === 0 ? `${wish} may not be asked for (NumberOfPasswordPrompts 0)` : `${wish} was wrong ${tries} times`,
    );
  }
}
