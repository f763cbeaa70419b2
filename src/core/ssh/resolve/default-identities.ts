/** The identity files that OpenSSH tries unasked, in ~/.ssh, in its order. */
export const defaultIdentities: readonly string[] = [
  'rsa',
  'ecdsa',
  'ecdsa_sk',
  'ed25519',
  'ed25519_sk',
  'xmss',
  'dsa',
].map((type) => `id_${type}`);
