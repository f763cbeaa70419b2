import { createHash } from 'node:crypto';

/** Names a public key as OpenSSH prints it: `SHA256:` and the unpadded base64 of the hash of its wire form. */
export function fingerprint(blob: Buffer): string {
  const hash = createHash('sha256').update(blob).digest('base64');
  return `SHA256:${hash.replace(/=+$/, '')}`;
}
