import { Fault } from '../../model/fault.ts';
import type { Hop } from '../route.ts';

/** Refuses an RSA host key with fewer bits than RequiredRSASize (ssh_config(5)), known or not; null for every other key. */
export function smallRsaFault({ host, where }: Hop, key: Buffer): Fault | null {
  const bits = rsaBits(key);
  if (bits === null || bits >= host.requiredRsaSize) return null;
  const text = `the RSA host key of ${where} has ${bits} bits, fewer than RequiredRSASize ${host.requiredRsaSize}; give the server a larger one`;
  return new Fault('HOST_KEY_WEAK', text, { detail: { bits } });
}

/** Bits of the modulus of an RSA key in its wire form (RFC 4253 section 6.6); null for what is none. */
export function rsaBits(key: Buffer): number | null {
  const [type, exponent, modulus] = strings(key);
  if (type?.toString('latin1') !== 'ssh-rsa' || exponent === undefined || modulus === undefined) return null;
  const first = modulus.findIndex((byte) => byte !== 0);
  return first < 0 ? 0 : (modulus.length - first) * 8 - Math.clz32(modulus[first] ?? 0) + 24;
}

function strings(bytes: Buffer): readonly Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at + 4 <= bytes.length; ) {
    const end = at + 4 + bytes.readUInt32BE(at);
    if (end > bytes.length) break;
    found.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return found;
}
