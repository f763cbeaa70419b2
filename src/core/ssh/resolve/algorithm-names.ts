import { matchPatterns } from './pattern.ts';

/** The algorithms of one use: all that OpenSSH 9.2 has, in its order, and those that it offers unasked. */
export interface AlgorithmFamily {
  readonly all: readonly string[];
  readonly defaults: readonly string[];
  /** Names of newer releases: taken where they are written out, matched by no pattern. */
  readonly newer: readonly string[];
  /** Whether patterns may be written as well (ssh_config(5), HostKeyAlgorithms and its like). */
  readonly patterns: boolean;
}

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

export const ciphers: AlgorithmFamily = {
  all: words(`3des-cbc aes128-cbc aes192-cbc aes256-cbc aes128-ctr aes192-ctr aes256-ctr aes128-gcm@openssh.com
    aes256-gcm@openssh.com chacha20-poly1305@openssh.com`),
  defaults: words(`chacha20-poly1305@openssh.com aes128-ctr aes192-ctr aes256-ctr aes128-gcm@openssh.com
    aes256-gcm@openssh.com`),
  newer: [],
  patterns: false,
};

export const macs: AlgorithmFamily = {
  all: words(`hmac-sha1 hmac-sha1-96 hmac-sha2-256 hmac-sha2-512 hmac-md5 hmac-md5-96 umac-64@openssh.com
    umac-128@openssh.com hmac-sha1-etm@openssh.com hmac-sha1-96-etm@openssh.com hmac-sha2-256-etm@openssh.com
    hmac-sha2-512-etm@openssh.com hmac-md5-etm@openssh.com hmac-md5-96-etm@openssh.com umac-64-etm@openssh.com
    umac-128-etm@openssh.com`),
  defaults: words(`umac-64-etm@openssh.com umac-128-etm@openssh.com hmac-sha2-256-etm@openssh.com
    hmac-sha2-512-etm@openssh.com hmac-sha1-etm@openssh.com umac-64@openssh.com umac-128@openssh.com hmac-sha2-256
    hmac-sha2-512 hmac-sha1`),
  newer: [],
  patterns: false,
};

export const kexes: AlgorithmFamily = {
  all: words(`diffie-hellman-group1-sha1 diffie-hellman-group14-sha1 diffie-hellman-group14-sha256
    diffie-hellman-group16-sha512 diffie-hellman-group18-sha512 diffie-hellman-group-exchange-sha1
    diffie-hellman-group-exchange-sha256 ecdh-sha2-nistp256 ecdh-sha2-nistp384 ecdh-sha2-nistp521 curve25519-sha256
    curve25519-sha256@libssh.org sntrup761x25519-sha512 sntrup761x25519-sha512@openssh.com`),
  defaults: words(`sntrup761x25519-sha512 sntrup761x25519-sha512@openssh.com curve25519-sha256
    curve25519-sha256@libssh.org ecdh-sha2-nistp256 ecdh-sha2-nistp384 ecdh-sha2-nistp521
    diffie-hellman-group-exchange-sha256 diffie-hellman-group16-sha512 diffie-hellman-group18-sha512
    diffie-hellman-group14-sha256`),
  newer: ['mlkem768x25519-sha256'],
  patterns: false,
};

const certificates = words(`ssh-ed25519-cert-v01@openssh.com ecdsa-sha2-nistp256-cert-v01@openssh.com
  ecdsa-sha2-nistp384-cert-v01@openssh.com ecdsa-sha2-nistp521-cert-v01@openssh.com
  sk-ssh-ed25519-cert-v01@openssh.com sk-ecdsa-sha2-nistp256-cert-v01@openssh.com rsa-sha2-512-cert-v01@openssh.com
  rsa-sha2-256-cert-v01@openssh.com`);
const signatures = words(`ssh-ed25519 ecdsa-sha2-nistp256 ecdsa-sha2-nistp384 ecdsa-sha2-nistp521
  sk-ssh-ed25519@openssh.com sk-ecdsa-sha2-nistp256@openssh.com rsa-sha2-512 rsa-sha2-256`);
const allKeys = words(`ssh-ed25519 ssh-ed25519-cert-v01@openssh.com sk-ssh-ed25519@openssh.com
  sk-ssh-ed25519-cert-v01@openssh.com ecdsa-sha2-nistp256 ecdsa-sha2-nistp256-cert-v01@openssh.com
  ecdsa-sha2-nistp384 ecdsa-sha2-nistp384-cert-v01@openssh.com ecdsa-sha2-nistp521
  ecdsa-sha2-nistp521-cert-v01@openssh.com sk-ecdsa-sha2-nistp256@openssh.com
  sk-ecdsa-sha2-nistp256-cert-v01@openssh.com webauthn-sk-ecdsa-sha2-nistp256@openssh.com ssh-dss
  ssh-dss-cert-v01@openssh.com ssh-rsa ssh-rsa-cert-v01@openssh.com rsa-sha2-256 rsa-sha2-256-cert-v01@openssh.com
  rsa-sha2-512 rsa-sha2-512-cert-v01@openssh.com`);

/** For host keys and for the user's keys. */
export const keys: AlgorithmFamily = {
  all: allKeys,
  defaults: [...certificates, ...signatures],
  newer: [],
  patterns: true,
};

/** For the signature of a certificate authority. */
export const authorities: AlgorithmFamily = {
  all: allKeys.filter((name) => !name.includes('-cert-')),
  defaults: signatures,
  newer: [],
  patterns: true,
};

/** What OpenSSH calls key types beside their algorithms. */
const shortNames = ['ed25519', 'ed25519-sk', 'ecdsa', 'ecdsa-sk', 'dsa', 'rsa'];

/** The first name of a list, without its `+` or `^`, that no OpenSSH knows; null when it knows all of them. */
export function unknownAlgorithm(text: string, family: AlgorithmFamily): string | null {
  // A list to be taken away may name what it likes.
  if (text.startsWith('-')) return null;
  const names = text.replace(/^[+^]/, '').split(',');
  const end = names.indexOf('');
  const judged = end < 0 ? names : names.slice(0, Math.max(end, 1));
  return judged.find((name) => !isKnown(name, family)) ?? null;
}

function isKnown(name: string, family: AlgorithmFamily): boolean {
  if (family.all.includes(name) || family.newer.includes(name)) return true;
  if (family === kexes && name.startsWith('gss-')) return isGssKex(name);
  if (!family.patterns || name === '') return false;
  return shortNames.includes(name.toLowerCase()) || allKeys.some((key) => matchPatterns(key, [name]) !== 'no');
}

/** A list with its `+`, `-` or `^` applied to the defaults, as ssh_config(5) has it; null when nothing is left of it. */
export function assembleAlgorithms(text: string | null, family: AlgorithmFamily): readonly string[] | null {
  if (text === null) return family.defaults;
  const names = text.replace(/^[+^-]/, '').split(',');
  if (text.startsWith('-')) return family.defaults.filter((name) => matchPatterns(name, names) !== 'yes');
  const asked = text.startsWith('+')
    ? [...family.defaults, ...names]
    : text.startsWith('^')
      ? [...names, ...family.defaults]
      : names;
  const found = asked.flatMap((pattern) =>
    family.newer.includes(pattern) ? [pattern] : family.all.filter((name) => matchPatterns(name, [pattern]) === 'yes'),
  );
  return found.length === 0 || asked.some((name) => name.startsWith('!')) ? null : [...new Set(found)];
}

const gss = words(`gss-gex-sha1- gss-group1-sha1- gss-group14-sha1- gss-group14-sha256- gss-group16-sha512-
  gss-nistp256-sha256- gss-curve25519-sha256-`);

/** A key exchange of Debian's GSSAPI patch. */
export function isGssKex(name: string): boolean {
  return gss.some((prefix) => name.startsWith(prefix));
}
