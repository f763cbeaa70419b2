import { createPrivateKey } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import type { Decrypted } from './decrypt.ts';
import { decryptOpensshKey } from './openssh-cipher.ts';
import { parseOpensshKey, readOpensshSecret } from './openssh-key.ts';

// The entry of a thread: what decryptKey() gave it, and what comes of it.
const { text, passphrase }: { text: string; passphrase: string } = workerData;
parentPort?.postMessage(text.includes('-----BEGIN OPENSSH PRIVATE KEY-----') ? decryptOpenssh() : decryptPem());

function decryptOpenssh(): Decrypted {
  try {
    const file = parseOpensshKey(text);
    if (file === null) return { kind: 'unusable', why: 'is damaged; restore it from a backup' };
    const opened = decryptOpensshKey(file, passphrase);
    if (opened.kind !== 'open') return opened;
    const key = readOpensshSecret(opened.secret);
    return key === null ? { kind: 'wrong' } : { kind: 'key', key };
  } catch {
    // Whatever is wrong inside, there is one cure.
    return { kind: 'unusable', why: 'is damaged; restore it from a backup' };
  }
}

function decryptPem(): Decrypted {
  try {
    return { kind: 'key', key: createPrivateKey({ key: text, format: 'pem', passphrase }) };
  } catch {
    // OpenSSL's errors do not tell a wrong passphrase from a damaged file; neither does ssh.
    return { kind: 'wrong' };
  }
}
