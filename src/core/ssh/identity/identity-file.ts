import { type KeyFile, parseKeyFile, parsePublicKey } from './private-key.ts';
import { describeUnreadable, readRegularFile } from '../regular-file.ts';

/** An IdentityFile as it was found. */
export type IdentityFile =
  | { readonly kind: 'missing'; readonly path: string; readonly blob: Buffer | null }
  | { readonly kind: 'refused'; readonly path: string; readonly blob: Buffer | null; readonly why: string }
  | (KeyFile & { readonly path: string });

/** OpenSSH's MAX_KEY_FILE_SIZE. */
const maxSize = 1024 * 1024;

/** Reads an IdentityFile and, where it does not tell its public key, the `.pub` beside it. Never waits on a fifo, never throws. */
export async function readIdentityFile(path: string): Promise<IdentityFile> {
  const found = await readOwn(path);
  if (found.blob !== null) return found;
  const read = await readRegularFile(`${path}.pub`, maxSize);
  const blob = 'why' in read ? null : parsePublicKey(read.data.toString('latin1'));
  return blob === null || found.kind === 'private' || found.kind === 'public' ? found : { ...found, blob };
}

async function readOwn(path: string): Promise<IdentityFile> {
  const read = await readRegularFile(path, maxSize);
  if ('why' in read) {
    if (read.why === 'missing') return { kind: 'missing', path, blob: null };
    return { kind: 'refused', path, blob: null, why: describeUnreadable(read) };
  }
  const file = parseKeyFile(read.data.toString('latin1'));
  const { uid, mode } = read.stats;
  // As ssh: it judges the mode of a file of one's own only, and only of one that holds a secret.
  const open = uid === process.getuid?.() && (mode & 0o077) !== 0;
  if (open && (file.kind === 'private' || file.kind === 'encrypted')) {
    const shown = (mode & 0o777).toString(8).padStart(4, '0');
    const why = `is an unprotected private key, readable by others (${shown}); \`chmod 600\` it`;
    return { kind: 'refused', path, blob: file.blob, why };
  }
  return { ...file, path };
}
