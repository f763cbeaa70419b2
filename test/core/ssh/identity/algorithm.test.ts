import { test } from 'tap';
import { chooseAlgorithm, isAccepted, signatureName } from '../../../../src/core/ssh/identity/algorithm.ts';
import { hostConfig } from '../../../fixtures/host-config.ts';

const usual = hostConfig().publicKeyAlgorithms;
const modern = ['ssh-ed25519', 'rsa-sha2-256', 'rsa-sha2-512', 'ssh-rsa'];
const cert = '-cert-v01@openssh.com';

/** The key's type, what PubkeyAcceptedAlgorithms allows, the server's software and server-sig-algs, what is used. */
const choices: readonly (readonly [string, readonly string[], string, readonly string[] | null, string | null])[] = [
  ['ssh-ed25519', usual, 'OpenSSH_9.2p1', modern, 'ssh-ed25519'],
  ['ssh-ed25519', usual, 'dropbear', null, 'ssh-ed25519'],
  ['ssh-ed25519', usual, 'x', ['ssh-rsa'], 'ssh-ed25519'],
  ['ssh-ed25519', ['ssh-rsa'], 'x', modern, null],
  ['ssh-rsa', usual, 'OpenSSH_9.2p1', modern, 'rsa-sha2-512'],
  ['ssh-rsa', ['rsa-sha2-256', 'rsa-sha2-512'], 'OpenSSH_9.2p1', modern, 'rsa-sha2-256'],
  ['ssh-rsa', usual, 'x', ['rsa-sha2-256'], 'rsa-sha2-256'],
  ['ssh-rsa', usual, 'x', ['ssh-rsa'], null],
  ['ssh-rsa', usual, 'x', null, null],
  ['ssh-rsa', [...usual, 'ssh-rsa'], 'x', null, 'ssh-rsa'],
  ['ssh-rsa', [...usual, 'ssh-rsa'], 'x', ['ssh-rsa'], 'ssh-rsa'],
  ['ssh-rsa', usual, 'OpenSSH_7.4', ['ssh-rsa'], 'rsa-sha2-512'],
  ['ssh-rsa', usual, 'OpenSSH_7.4', null, null],
  [`ssh-rsa${cert}`, usual, 'OpenSSH_9.2p1', modern, `rsa-sha2-512${cert}`],
  [`ssh-rsa${cert}`, usual, 'OpenSSH_7.8', ['rsa-sha2-256'], `rsa-sha2-256${cert}`],
  [`ssh-rsa${cert}`, usual, 'OpenSSH_7.7p1', modern, null],
  [`ssh-rsa${cert}`, [...usual, `ssh-rsa${cert}`], 'OpenSSH_6.6.1', modern, `ssh-rsa${cert}`],
  [`ssh-rsa${cert}`, usual, 'OpenSSH_7.10', modern, `rsa-sha2-512${cert}`],
  [`ssh-rsa${cert}`, usual, 'OpenSSH_10.0p2', modern, `rsa-sha2-512${cert}`],
  [`sk-ssh-ed25519${cert}`, usual, 'x', null, `sk-ssh-ed25519${cert}`],
];

test('the algorithm of a signature is chosen as by ssh, and is SHA-1 only where the user wrote so', (t) => {
  for (const [type, accepted, software, signatures, expected] of choices) {
    t.equal(chooseAlgorithm(type, accepted, { software, signatures }), expected, `${type} ${software} ${signatures}`);
  }
  t.end();
});

test('a signature by a certificate bears the name of its key', (t) => {
  t.equal(signatureName(`rsa-sha2-512${cert}`), 'rsa-sha2-512');
  t.equal(signatureName(`ecdsa-sha2-nistp384${cert}`), 'ecdsa-sha2-nistp384');
  t.equal(signatureName(`sk-ssh-ed25519${cert}`), 'sk-ssh-ed25519@openssh.com');
  t.equal(signatureName('ssh-ed25519'), 'ssh-ed25519');
  t.end();
});

test('an RSA key may be used where one of its algorithms may', (t) => {
  t.equal(isAccepted('ssh-rsa', ['rsa-sha2-256']), true);
  t.equal(isAccepted('ssh-rsa', [`rsa-sha2-256${cert}`]), false);
  t.equal(isAccepted(`ssh-rsa${cert}`, [`rsa-sha2-256${cert}`]), true);
  t.equal(isAccepted('ssh-ed25519', ['rsa-sha2-256']), false);
  t.end();
});
