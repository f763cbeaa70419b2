import { Fault } from '../../model/fault.ts';
import { describeUnreadable, readRegularFile } from '../regular-file.ts';
import { isKrl, type Krl, parseKrl } from './krl.ts';
import { readPublicKey, words } from './known-hosts-line.ts';

/** The keys that a RevokedHostKeys file takes back. */
export interface RevokedKeys {
  /** Where the file revokes a key: its line, or 0 for a KRL, which has no lines; null where it does not. */
  lineOf(key: Buffer): number | null;
}

const maxSize = 64 * 1024 * 1024;

/**
 * Reads RevokedHostKeys (ssh_config(5)): public keys one a line, or a KRL. As to ssh, a file that is missing or that cannot be
 * understood revokes every key: throws KNOWN_HOSTS_UNREADABLE.
 */
export async function loadRevokedKeys(file: string): Promise<RevokedKeys> {
  const read = await readRegularFile(file, maxSize);
  if ('why' in read) throw unusable(file, describeUnreadable(read), 'correct its path or permissions');
  if (!isKrl(read.data)) return new List(file, read.data.toString('utf8'));
  const krl = understand(file, read.data);
  return { lineOf: (key) => (krl.revokes(key) ? 0 : null) };
}

function understand(file: string, data: Buffer): Krl {
  try {
    return parseKrl(data);
  } catch (error) {
    const why = error instanceof Error ? error.message : '';
    throw unusable(file, `is a KRL that cannot be used (${why})`, 'make it anew with `ssh-keygen -k`');
  }
}

class List implements RevokedKeys {
  readonly #lines = new Map<string, number>();

  constructor(file: string, text: string) {
    for (const [index, line] of text.split('\n').entries()) {
      const [type = '', base64 = ''] = words(line);
      if (type === '' || type.startsWith('#')) continue;
      const key = readPublicKey(type, base64);
      if (typeof key === 'string') {
        throw unusable(`${file}:${index + 1}`, `is no public key (${key})`, 'correct the line');
      }
      const name = key.toString('base64');
      if (!this.#lines.has(name)) this.#lines.set(name, index + 1);
    }
  }

  lineOf(key: Buffer): number | null {
    return this.#lines.get(key.toString('base64')) ?? null;
  }
}

function unusable(place: string, what: string, todo: string): Fault {
  const text = `RevokedHostKeys ${place} ${what}, so every host key counts as revoked; ${todo}`;
  return new Fault('KNOWN_HOSTS_UNREADABLE', text, { detail: { file: place } });
}
