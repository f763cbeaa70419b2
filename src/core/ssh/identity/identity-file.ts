import { describeUnreadable, readRegularFile } from '../regular-file.ts';
import { type KeyFile, parseKeyFile } from './key-file.ts';
import { parsePublicKey, type PublicKey } from './public-key.ts';

/** A key file as it was found. */
type FoundFile = { readonly path: string } & (
  | KeyFile
  | { readonly kind: 'missing'; readonly told: PublicKey | null }
  | { readonly kind: 'refused'; readonly why: string; readonly told: PublicKey | null }
);

/** An IdentityFile, and the certificate that stands beside it; null where there is none, or it is not wanted. */
export type IdentityFile = FoundFile & { readonly beside: PublicKey | null };

/** A certificate that CertificateFile names. */
export interface CertificateFile {
  readonly path: string;
  readonly publicKey: PublicKey;
}

/** OpenSSH's MAX_KEY_FILE_SIZE. */
const maxSize = 1024 * 1024;

/**
 * Reads an IdentityFile. The `.pub` beside it goes before what the file itself tells of its public key, as in ssh. `certified`: whether
 * its certificate is looked for. Never waits on a fifo, never throws.
 */
export async function readIdentityFile(path: string, certified: boolean): Promise<IdentityFile> {
  const found = await readOwn(path);
  const beside = certified ? await readCertificate(`${path}-cert`) : null;
  if (found.kind === 'public') return { ...found, beside };
  const told = await readPublicFile(`${path}.pub`);
  return { ...found, told: told ?? found.told, beside };
}

/** Reads the certificates that CertificateFile names, with a sentence for each that is none. */
export async function readCertificates(
  paths: readonly string[],
): Promise<{ readonly found: readonly CertificateFile[]; readonly notes: readonly string[] }> {
  const read = await Promise.all(paths.map(async (path) => ({ path, publicKey: await readCertificate(path) })));
  return {
    found: read.flatMap(({ path, publicKey }) => (publicKey === null ? [] : [{ path, publicKey }])),
    notes: read.flatMap(({ path, publicKey }) =>
      publicKey === null ? [`CertificateFile ${path} holds no certificate; correct it in ssh_config`] : [],
    ),
  };
}

/** As ssh looks for it: in the file, else in the `.pub` beside it. */
async function readCertificate(path: string): Promise<PublicKey | null> {
  const key = (await readPublicFile(path)) ?? (await readPublicFile(`${path}.pub`));
  return key?.certificate === null ? null : key;
}

async function readPublicFile(path: string): Promise<PublicKey | null> {
  const read = await readRegularFile(path, maxSize);
  return 'why' in read ? null : parsePublicKey(read.data.toString('latin1'));
}

async function readOwn(path: string): Promise<FoundFile> {
  const read = await readRegularFile(path, maxSize);
  if ('why' in read) {
    if (read.why === 'missing') return { kind: 'missing', path, told: null };
    return { kind: 'refused', path, told: null, why: describeUnreadable(read) };
  }
  const file = parseKeyFile(read.data.toString('latin1'));
  const { uid, mode } = read.stats;
  // As ssh: it judges the mode of a file of one's own only, and only of one that holds a secret.
  const open = uid === process.getuid?.() && (mode & 0o077) !== 0;
  if (open && (file.kind === 'private' || file.kind === 'encrypted')) {
    const shown = (mode & 0o777).toString(8).padStart(4, '0');
    const why = `is an unprotected private key, readable by others (${shown}); \`chmod 600\` it`;
    return { kind: 'refused', path, told: file.told, why };
  }
  return { ...file, path };
}
