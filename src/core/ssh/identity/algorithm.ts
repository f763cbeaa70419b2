import { isAuthenticatorKey, plainType } from './public-key.ts';

/** What a server said of itself before the login. */
export interface ServerTraits {
  /** The software of its identification string, such as `OpenSSH_9.2p1`. */
  readonly software: string;
  /** The signature algorithms that it takes (`server-sig-algs`, RFC 8308 section 3.1); null where it named none. */
  readonly signatures: readonly string[] | null;
  /** The session identifier (RFC 4253 section 7.2), to which signatures are bound. */
  readonly session: Buffer;
}

type Spoken = Pick<ServerTraits, 'software' | 'signatures'>;

const rsa: Readonly<Record<string, readonly string[]>> = {
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'],
  'ssh-rsa-cert-v01@openssh.com': [
    'rsa-sha2-512-cert-v01@openssh.com',
    'rsa-sha2-256-cert-v01@openssh.com',
    'ssh-rsa-cert-v01@openssh.com',
  ],
};

/** Whether PubkeyAcceptedAlgorithms lets a key of this type be used at all. */
export function isAccepted(type: string, accepted: readonly string[]): boolean {
  return accepted.includes(type) || (rsa[type] ?? []).some((name) => accepted.includes(name));
}

/**
 * The algorithm with which a key or certificate of this type signs for a server, as ssh chooses it: the first of
 * PubkeyAcceptedAlgorithms that the server takes. Only RSA has a choice. Null where the two share none.
 */
export function chooseAlgorithm(type: string, accepted: readonly string[], server: Spoken): string | null {
  const names = rsa[type];
  const signatures = signaturesOf(type, server);
  if (names === undefined || signatures === null) return accepted.includes(type) ? type : null;
  return accepted.find((name) => names.includes(name) && signatures.includes(signatureName(name))) ?? null;
}

/** Releases before 7.8 cannot verify a certificate by SHA-2; 7.4 takes SHA-2 for keys and does not say so. */
function signaturesOf(type: string, { software, signatures }: Spoken): readonly string[] | null {
  if (type !== 'ssh-rsa') return /^OpenSSH_(?:[2-6]|7\.[0-7](?!\d))/.test(software) ? null : signatures;
  return signatures !== null && /^OpenSSH_7\.4/.test(software) ? ['rsa-sha2-256', 'rsa-sha2-512'] : signatures;
}

/** The name that stands in a signature by this algorithm: a certificate's is that of its key. */
export function signatureName(algorithm: string): string {
  return plainType(algorithm);
}

/** How many bytes follow the bare signature: flags and counter of a FIDO authenticator (OpenSSH's PROTOCOL.u2f). */
export function signatureTail(algorithm: string): number {
  return isAuthenticatorKey(algorithm) ? 5 : 0;
}
