/** What the host knows of a run, as the scripts tell it. */
export interface RunRecord {
  readonly run: string;
  /** The state folder on the host. */
  readonly dir: string;
  /** The port that its command was given; null: none. */
  readonly given: number | null;
  /** Where an earlier link saw it listen; null: none did. */
  readonly port: number | null;
  /** What its options came to, hashed: another hash is another command. */
  readonly hash: string;
  /** How its token was to come to be when it was started, hashed; empty: an older towline started it, which did not say. */
  readonly rule: string;
  /** SHA-256 of the token that it was given or has printed; empty: none is known. */
  readonly tokenHash: string;
  /** An earlier link found out that it has no token, or its token. */
  readonly seen: boolean;
  readonly lifetime: string;
  readonly adopted: boolean;
}

/** Reads the lines `key value` of an `adopt`. */
export function readRecord(words: ReadonlyMap<string, string>, adopted: boolean): RunRecord {
  const word = (key: string) => words.get(key) ?? '';
  const number = (key: string) => (/^\d{1,5}$/.test(word(key)) ? Number(word(key)) : null);
  return {
    run: word('run'),
    dir: word('dir'),
    given: number('port'),
    port: number('ready'),
    hash: word('hash'),
    rule: word('rule'),
    // `token`: it was given one as it was started. `seen`: an earlier link knew this one when it wrote down where it listens.
    tokenHash: word('seen') || word('token'),
    seen: word('ready') !== '',
    lifetime: word('life'),
    adopted,
  };
}
