import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { wireInteger, wireString } from './key-blob.ts';
import { type PublicKey, readPublicKey } from './public-key.ts';

const curves: Readonly<Record<string, string>> = { 'P-256': 'nistp256', 'P-384': 'nistp384', 'P-521': 'nistp521' };

/** The public half of a private key; null where it is of a type that ssh does not know. */
export function publicHalf(key: KeyObject): PublicKey | null {
  const blob = wireForm(createPublicKey(key));
  return blob === null ? null : readPublicKey(blob);
}

function wireForm(key: KeyObject): Buffer | null {
  switch (key.asymmetricKeyType) {
    case 'ed25519': {
      const { x } = key.export({ format: 'jwk' });
      return Buffer.concat(['ssh-ed25519', bytes(x)].map(wireString));
    }
    case 'rsa': {
      const { e, n } = key.export({ format: 'jwk' });
      return Buffer.concat([wireString('ssh-rsa'), wireInteger(bytes(e)), wireInteger(bytes(n))]);
    }
    case 'ec':
      return isKnownCurve(key) ? curvePoint(key.export({ format: 'jwk' })) : null;
    default:
      return null;
  }
}

/** JWK knows one more curve than ssh and throws on the others. */
function isKnownCurve(key: KeyObject): boolean {
  return ['prime256v1', 'secp384r1', 'secp521r1'].includes(key.asymmetricKeyDetails?.namedCurve ?? '');
}

function curvePoint({ crv = '', x, y }: JsonWebKey): Buffer | null {
  const curve = curves[crv];
  if (curve === undefined) return null;
  const point = Buffer.concat([Buffer.from([4]), bytes(x), bytes(y)]);
  return Buffer.concat([`ecdsa-sha2-${curve}`, curve, point].map(wireString));
}

function bytes(base64url: string | undefined): Buffer {
  return Buffer.from(base64url ?? '', 'base64url');
}
