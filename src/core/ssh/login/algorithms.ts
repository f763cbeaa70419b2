import type { Algorithms, CipherAlgorithm, KexAlgorithm, MacAlgorithm, ServerHostKeyAlgorithm } from 'ssh2';
import { Fault } from '../../model/fault.ts';
import type { Hop } from '../route.ts';

/** The four lists of a key exchange that matter (RFC 4253 section 7.1), best first. */
export interface AlgorithmLists {
  readonly kex: readonly string[];
  readonly hostKeys: readonly string[];
  readonly ciphers: readonly string[];
  readonly macs: readonly string[];
}

/** What a server is offered. */
export interface Offer extends AlgorithmLists {
  /** The same as ssh2 takes it. */
  readonly algorithms: Algorithms;
  /** A sentence for each list of ssh_config of which something had to be left out. */
  readonly notes: readonly string[];
}

/** The keyword of ssh_config(5) that sets each list. */
export const keywords = {
  kex: 'KexAlgorithms',
  hostKeys: 'HostKeyAlgorithms',
  ciphers: 'Ciphers',
  macs: 'MACs',
} as const;

/**
 * The hardened lists: no failure in ssh-audit's client mode but for the host keys of ECDSA. chacha20 stands last and is given up where the
 * server lacks strict key exchange; the MACs without -etm are for dropbear, which has no others. Host keys stand in ssh's order: a host that
 * has several shows the one by which ssh knows it. So ECDSA is among them: were it offered to hosts alone that are known by it, the
 * offer would tell whoever stands on the way which those are (CVE-2020-14145).
 */
const hardened = {
  kex: [
    'curve25519-sha256',
    'curve25519-sha256@libssh.org',
    'diffie-hellman-group16-sha512',
    'diffie-hellman-group18-sha512',
  ],
  hostKeys: [
    'ssh-ed25519',
    'ecdsa-sha2-nistp256',
    'ecdsa-sha2-nistp384',
    'ecdsa-sha2-nistp521',
    'rsa-sha2-512',
    'rsa-sha2-256',
  ],
  ciphers: [
    'aes128-gcm@openssh.com',
    'aes256-gcm@openssh.com',
    'aes256-ctr',
    'aes192-ctr',
    'aes128-ctr',
    'chacha20-poly1305@openssh.com',
  ],
  macs: ['hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512', 'hmac-sha2-256'],
} as const;

/** What ssh2 has beside them of what ssh_config can name; a guard test compares. ssh2's types lack KexAlgorithm's second name. */
const outdated = {
  kex: [
    'ecdh-sha2-nistp256',
    'ecdh-sha2-nistp384',
    'ecdh-sha2-nistp521',
    'diffie-hellman-group-exchange-sha256',
    'diffie-hellman-group14-sha256',
    'diffie-hellman-group-exchange-sha1',
    'diffie-hellman-group14-sha1',
    'diffie-hellman-group1-sha1',
  ],
  hostKeys: ['ssh-rsa', 'ssh-dss'],
  ciphers: ['aes256-cbc', 'aes192-cbc', 'aes128-cbc', '3des-cbc'],
  macs: ['hmac-sha1-etm@openssh.com', 'hmac-sha1', 'hmac-sha1-96', 'hmac-md5', 'hmac-md5-96'],
} as const;

const supported: {
  readonly kex: readonly KexAlgorithm[];
  readonly hostKeys: readonly ServerHostKeyAlgorithm[];
  readonly ciphers: readonly CipherAlgorithm[];
  readonly macs: readonly MacAlgorithm[];
} = {
  kex: [...hardened.kex, ...outdated.kex],
  hostKeys: [...hardened.hostKeys, ...outdated.hostKeys],
  ciphers: [...hardened.ciphers, ...outdated.ciphers],
  macs: [...hardened.macs, ...outdated.macs],
};

/** Every name that towline can be allowed to use. */
export const knownAlgorithms: AlgorithmLists = supported;

/**
 * What is offered to a host: the lists of its ssh_config in their order, without what ssh2 lacks, else ours. The host key types that
 * known_hosts has for it come first, unless HostKeyAlgorithms was written out whole: else a server with two keys shows the one that we
 * cannot check. Where the first of the list is among them the list stays as it is, as with ssh: its order must not tell whoever stands
 * on the way that the host is known already (CVE-2020-14145). Throws SSH_CONFIG_INVALID when a list has nothing left.
 */
export function offerTo({ host, where, knownHosts, knownAs, knownPort }: Hop): Offer {
  const { algorithms: wanted } = host;
  const notes: string[] = [];
  const pick = <T extends string>(
    keyword: string,
    names: readonly string[] | null,
    ours: readonly T[],
    all: readonly T[],
  ) => {
    if (names === null) return [...ours];
    const left = names.flatMap((name) => all.filter((one) => one === name));
    const dropped = names.filter((name) => !all.some((one) => one === name));
    if (left.length === 0) {
      const text = `${keyword} of ${where} leaves nothing that towline knows (${dropped.join(', ')}); name one of ${all.join(', ')} in ssh_config`;
      throw new Fault('SSH_CONFIG_INVALID', text);
    }
    const missed = dropped.filter((name) => !wanted.inherited.includes(name));
    if (missed.length > 0) {
      notes.push(`${keyword} of ${where} names what towline does not know and leaves out: ${missed.join(', ')}`);
    }
    return left;
  };
  const known = wanted.hostKeysVerbatim ? [] : knownHosts.keyTypes(knownAs, knownPort);
  const kex = pick(keywords.kex, wanted.kex, hardened.kex, supported.kex);
  const keys = pick(keywords.hostKeys, wanted.hostKeys, hardened.hostKeys, supported.hostKeys);
  const first = keys[0] !== undefined && signs(keys[0], known);
  const hostKeys = first
    ? keys
    : [...keys.filter((name) => signs(name, known)), ...keys.filter((name) => !signs(name, known))];
  const ciphers = pick(keywords.ciphers, wanted.ciphers, hardened.ciphers, supported.ciphers);
  const macs = pick(keywords.macs, wanted.macs, hardened.macs, supported.macs);
  const algorithms: Algorithms = { kex, serverHostKey: hostKeys, cipher: ciphers, hmac: macs, compress: ['none'] };
  return { kex, hostKeys, ciphers, macs, algorithms, notes };
}

/** Whether an algorithm signs with a key of one of these types: RSA has several (RFC 8332 section 3). */
function signs(algorithm: string, keyTypes: readonly string[]): boolean {
  return keyTypes.includes(algorithm.startsWith('rsa-sha2-') ? 'ssh-rsa' : algorithm);
}

/** Those of these names that are only there for old servers. */
export function outdatedOf(names: readonly string[]): readonly string[] {
  const weak: readonly string[] = [
    'diffie-hellman-group-exchange-sha1',
    'diffie-hellman-group14-sha1',
    'diffie-hellman-group1-sha1',
    ...outdated.hostKeys,
    ...outdated.ciphers,
    ...outdated.macs,
  ];
  return names.filter((name) => weak.includes(name));
}
