import type { Algorithms } from 'ssh2';

/** ssh2's types lack the name that OpenSSH gives the first one. */
type Kex = NonNullable<Extract<Algorithms['kex'], readonly unknown[]>>;

/** The hardened list: no failure in ssh-audit's client mode. chacha20 is left out until strict key exchange is certain. */
const kex: Kex = [
  'curve25519-sha256',
  'curve25519-sha256@libssh.org',
  'diffie-hellman-group16-sha512',
  'diffie-hellman-group18-sha512',
];
const cipher = ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'aes256-ctr', 'aes192-ctr', 'aes128-ctr'] as const;
const hmac = ['hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256-etm@openssh.com'] as const;

const ecdsa = ['ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521'] as const;
const preferred = ['ssh-ed25519', 'rsa-sha2-512', 'rsa-sha2-256'] as const;
type HostKeyAlgorithm = (typeof preferred)[number] | (typeof ecdsa)[number];

/**
 * What is offered to a server. The host key types that known_hosts has for it come first, as OpenSSH orders them: else a
 * server with two keys shows the one that we cannot check. ECDSA comes last where it is not known: a host that swapped its key for
 * such a one is then found out, instead of sharing no algorithm.
 */
export function offeredAlgorithms(knownTypes: readonly string[]): Algorithms {
  const known = knownTypes.flatMap(algorithmsOf);
  const serverHostKey = [...new Set([...known, ...preferred, ...ecdsa])];
  return { kex, cipher: [...cipher], hmac: [...hmac], serverHostKey, compress: ['none'] };
}

function algorithmsOf(keyType: string): readonly HostKeyAlgorithm[] {
  if (keyType === 'ssh-rsa') return ['rsa-sha2-512', 'rsa-sha2-256'];
  return [...preferred, ...ecdsa].filter((name) => name === keyType);
}
